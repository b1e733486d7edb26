import type { CanonicalEvent } from '../event/event.js';

/** Makes the text of one event. */
export type Template = (event: CanonicalEvent) => string;

/** The names that may stand in braces (contract, section 6), and what they stand for. */
const FIELDS: Readonly<Record<string, (event: CanonicalEvent) => unknown>> = {
  type: (event) => event.type,
  event: (event) => event['event'] ?? event['name'],
  userId: (event) => event['userId'] ?? event['anonymousId'],
  source: (event) => event.receipt.source,
};

/** What stands for a field that an event does not have: an empty level of a topic or subject is not allowed by brokers. */
const ABSENT = '_';

/** An event nobody sent, to look whether there could be written where a template leads to. */
export const PROBE = {
  type: 'track',
  messageId: 'check',
  event: 'check',
  userId: 'check',
  receipt: { source: 'check' },
} as unknown as CanonicalEvent;

/**
 * Compiles `events.{type}` and its like. `{event}` is an event's name, or a page's; `{userId}` falls back to the anonymousId,
 * as the order of events does. `clean` makes a value fit where it is put, so that no event can choose another topic than
 * the operator meant: a value is never empty after it, or `_` takes its place. Throws a TypeError that names an unknown
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
