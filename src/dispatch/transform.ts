import type { Clock } from '../clock.js';
import { type CanonicalEvent, isObject, type JsonObject } from '../event/event.js';

/** An operator's own function: an event in; an event, a list of events, or nothing out; or a promise of that. */
export type Transform = (event: CanonicalEvent) => unknown;

/**
 * Runs a transform on a copy of an event. Resolves to the canonical JSON text of every event it returned, in order;
 * none where it returned nothing. Throws an Error with a one-line reason where the transform threw, took longer than
 * `timeout` milliseconds, or returned something that is no event: asking it again would end the same way.
 *
 * What every sink relies on is filled in from the original where the transform left it out. `context` and
 * `integrations` are not: whoever takes them out means it, so they come back empty.
 */
export async function applyTransform(
  transform: Transform,
  json: string,
  timeout: number,
  clock: Clock,
): Promise<readonly string[]> {
  const original = JSON.parse(json) as CanonicalEvent;
  // Another parse is the cheapest deep copy of JSON: nothing the transform does reaches the original.
  const returned = await inTime(transform(JSON.parse(json)), timeout, clock);
  if (returned === undefined || returned === null) return [];
  const list: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  const ids = new Set<string>();
  return list.map((value) => {
    const event = complete(value, original);
    event.messageId = unused(event.messageId, ids);
    return JSON.stringify(event);
  });
}

async function inTime(value: unknown, timeout: number, clock: Clock): Promise<unknown> {
  if (!isThenable(value)) return value;
  const done = new AbortController();
  const late = clock.sleep(timeout, done.signal).then(() => {
    if (!done.signal.aborted) throw new Error(`it was not done after ${timeout} ms`);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    done.abort();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

function complete(value: unknown, original: CanonicalEvent): CanonicalEvent {
  if (!isObject(value)) {
    throw new Error('it returned something that is no event: return an event, several, or nothing');
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
 * Several events made of one usually all carry its id, and a sink that deduplicates would keep only the first of them.
 * A number behind the later ones keeps them apart, and is the same again when they are sent again.
 */
function unused(id: string, taken: Set<string>): string {
  let candidate = id;
  for (let count = 2; taken.has(candidate); count++) candidate = `${id}:${count}`;
  taken.add(candidate);
  return candidate;
}
