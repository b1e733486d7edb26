import type { CanonicalEvent } from '../../event/event.js';

/** Returns the text for one event. */
export type Template = (event: CanonicalEvent) => string;

/** The names allowed in braces (contract, section 6) and their values. */
const FIELDS: Readonly<Record<string, (event: CanonicalEvent) => unknown>> = {
  type: (event) => event.type,
  event: (event) => event['event'] ?? event['name'],
  userId: (event) => event['userId'] ?? event['anonymousId'],
  source: (event) => event.receipt.source,
};

/**
 * Whether senders influence what a template produces: every field is the event's own, except the name of the source.
 */
export function isChosenBySenders(text: string): boolean {
  return [...text.matchAll(FIELD)].some(([, name]) => name !== 'source');
}

/** Whether the text is the same for all events. */
export function isFixed(text: string): boolean {
  return text.search(FIELD) === -1;
}

const FIELD = /\{([^{}]*)\}/g;

/** Replaces a field that an event lacks: brokers do not allow an empty level of a topic or subject. */
const ABSENT = '_';

/** A made-up event, to check whether the target of a template can be written to. */
export const PROBE = {
  type: 'track',
  messageId: 'check',
  event: 'check',
  userId: 'check',
  receipt: { source: 'check' },
} as unknown as CanonicalEvent;

/**
 * Compiles a template such as `events.{type}`. `{event}` is the name of an event or page; `{userId}` falls back to the
 * anonymousId, as the order of events does. `clean` makes a value fit its place, so that no event can choose a topic
 * that the operator did not intend. If a value is empty after it, `_` is used. Throws a TypeError that names an unknown
 * field.
 */
export function compileTemplate(text: string, clean: (value: string) => string): Template {
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  const steps = parts.map((part): string | Template => {
    const name = /^\{(.*)\}$/.exec(part)?.[1];
    if (name === undefined) return part;
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (field === undefined) {
      const known = Object.keys(FIELDS).map((each) => `{${each}}`);
      throw new TypeError(`has {${name}}; known are ${known.join(', ')}`);
    }
    return (event) => {
      const value = field(event);
      return (typeof value === 'string' ? clean(value) : '') || ABSENT;
    };
  });
  const constant = steps.every((step) => typeof step === 'string') ? steps.join('') : undefined;
  if (constant !== undefined) return () => constant;
  return (event) => steps.map((step) => (typeof step === 'string' ? step : step(event))).join('');
}
