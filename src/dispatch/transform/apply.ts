import { isObject, type JsonObject } from '../../core/json.js';
import { keyedAs } from '../../event/dedupe-key.js';
import type { CanonicalEvent } from '../../event/event.js';

/**
 * An operator's own function. It takes an event and returns an event, a list of events or nothing, or a promise of one
 * of these.
 */
export type Transform = (event: CanonicalEvent) => unknown;

/**
 * The most events that a transform may make of one. Lists in events come from outside, so their length is not the
 * operator's choice.
 */
const MOST_EVENTS = 1_000;

/** The most characters of all these events together. An event that was larger itself may double. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** The fields of an event that a transform cannot remove. */
type Original = Pick<CanonicalEvent, 'messageId' | 'timestamp' | 'receivedAt' | 'receipt'>;

/**
 * Runs a transform on an event. Returns the canonical JSON text of every event it returned, in order; none if it
 * returned nothing; a promise if it returned a promise. Throws an Error with a one-line reason if the transform threw,
 * returned something that is not an event, or returned more than one event may become. A retry would end the same way.
 *
 * Fields that every sink relies on are filled in from the original if the transform left them out. `context` and
 * `integrations` are not: a transform that removes them does so on purpose, so they become empty.
 */
export function applyTransform(
  transform: Transform,
  json: string,
): readonly string[] | PromiseLike<readonly string[]> {
  const event = JSON.parse(json) as CanonicalEvent;
  const { messageId, timestamp, receivedAt } = event;
  const original = { messageId, timestamp, receivedAt, receipt: structuredClone(event.receipt) };
  const returned = transform(event);
  if (!isThenable(returned)) return textsOf(returned, original, json.length);
  return returned.then((events) => textsOf(events, original, json.length));
}

function textsOf(returned: unknown, original: Original, size: number): readonly string[] {
  if (returned === undefined || returned === null) return [];
  const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  if (list.length > MOST_EVENTS) {
    throw new Error(
      `it returned ${list.length} events for one, and at most ${MOST_EVENTS} are allowed; return fewer`,
    );
  }
  const most = Math.max(MOST_CHARACTERS, 2 * size);
  const unused = createUnused();
  let characters = 0;
  // `map` would skip the holes of `new Array(n)`.
  return Array.from(list, (value) => {
    const event = complete(value, original);
    event.messageId = unused(event.messageId);
    const key = keyedAs(original.receipt, original.messageId, event.messageId);
    event.receipt = { ...event.receipt, dedupeKey: key };
    const text = JSON.stringify(event);
    characters += text.length;
    if (characters > most) {
      throw new Error(
        `the events it returned for one have more than ${most} characters of JSON together; return less`,
      );
    }
    return text;
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

function complete(value: unknown, original: Original): CanonicalEvent {
  if (!isObject(value)) {
    throw new Error(
      'it returned a value that is not an event: return an event, several, or nothing',
    );
  }
  const { type, messageId = original.messageId, context, integrations, receipt } = value;
  if (typeof type !== 'string' || type === '') {
    throw new Error('it returned an event without a "type"');
  }
  if (typeof messageId !== 'string' || messageId === '') {
    throw new Error('it returned an event whose "messageId" is not a text');
  }
  return {
    ...value,
    type,
    messageId,
    context: isObject(context) ? context : {},
    integrations: isObject(integrations) ? integrations : {},
    timestamp: text(value['timestamp']) ?? original.timestamp,
    receivedAt: text(value['receivedAt']) ?? original.receivedAt,
    receipt: isReceipt(receipt) ? receipt : original.receipt,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isReceipt(value: unknown): value is CanonicalEvent['receipt'] {
  return isObject(value) && typeof (value as JsonObject)['source'] === 'string';
}

/**
 * Several events made of one usually all carry its id, and a sink that deduplicates would keep only the first. A number
 * appended to the later ids keeps them apart, and is the same on every retry. The last number of each id is remembered:
 * counting from 2 each time takes a second for 15,000 events with one id.
 */
function createUnused(): (id: string) => string {
  const taken = new Set<string>();
  const next = new Map<string, number>();
  return (id) => {
    let candidate = id;
    let count = next.get(id) ?? 2;
    while (taken.has(candidate)) candidate = `${id}:${count++}`;
    if (candidate !== id) next.set(id, count);
    taken.add(candidate);
    return candidate;
  };
}
