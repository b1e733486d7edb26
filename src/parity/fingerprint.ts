import type { JsonObject, JsonValue } from '../core/json.js';
import type { CanonicalEvent } from '../event/event.js';
import { callTimeOf, timestampOf } from './call-time.js';
import { hashOf } from './hash.js';
import type { Normalized } from './normalize/normalize.js';
import { objectAt, valueAt } from './paths.js';
import { stableJson } from './stable-json.js';

/** What an event is recognized by. Keys are hashes; events of equal keys are candidates for a pair. */
export interface Fingerprint {
  /** Absent if Trackbridge generated the messageId. */
  readonly messageId: number | undefined;
  /** Absent if the event has no correlation value. */
  readonly correlation: number | undefined;
  /** Type and name. */
  readonly base: number;
  /** Properties and traits. */
  readonly data: number;
  /** What the event says without its user: type, name, data, user agent and page. */
  readonly content: number;
  readonly userId: string | undefined;
  readonly anonymousId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly call: number;
  readonly timestamp: number;
}

/** Returns the name of an event: of a track call, a page or a screen. null if its type has no name. */
export function nameOf(event: JsonObject): string | null {
  const name = event['type'] === 'track' ? event['event'] : event['name'];
  return typeof name === 'string' && name !== '' ? name : null;
}

/** `correlate`: the steps to the correlation value in the canonical event. */
export function fingerprintOf(
  event: CanonicalEvent,
  { event: normalized }: Normalized,
  correlate: readonly string[] | undefined,
): Fingerprint {
  const base = hashOf(JSON.stringify([event.type, nameOf(event), event['groupId'] ?? null]));
  const data = hashOf(dataOf(normalized));
  const context = objectAt(normalized, 'context') ?? {};
  const surroundings: JsonValue = [
    base,
    data,
    context['userAgent'] ?? null,
    objectAt(context, 'page')?.['url'] ?? null,
    context['locale'] ?? null,
  ];
  const value = correlate === undefined ? undefined : valueAt(event, correlate);
  const isCorrelated = typeof value === 'string' || typeof value === 'number';
  return {
    messageId: event.receipt.messageIdGenerated ? undefined : hashOf(event.messageId),
    correlation: isCorrelated
      ? hashOf(JSON.stringify([event.type, nameOf(event), String(value)]))
      : undefined,
    base,
    data,
    content: hashOf(JSON.stringify(surroundings)),
    userId: idOf(event['userId']),
    anonymousId: idOf(event['anonymousId']),
    call: callTimeOf(event),
    timestamp: timestampOf(event),
  };
}

/** The part of an event that the application gave. An alias names its users differently at each vendor. */
function dataOf(event: JsonObject): string {
  const { category = null, previousId = null, properties = null, traits = null, type } = event;
  return stableJson([category, type === 'alias' ? previousId : null, properties, traits]);
}

function idOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The keys by which an event of a known person pairs: with its data, and without. */
export interface PersonKeys {
  readonly full: number;
  readonly loose: number;
}

/** `person`: as `personOf` returns it. */
export function personKeys(base: number, data: number, person: string): PersonKeys {
  return { full: hashOf(`${base} ${data} ${person}`), loose: hashOf(`${base} ${person}`) };
}

/** Returns whose event it is: the user, else the anonymous visitor. `anonymousId` is the one of the left side. */
export function personOf(userId: string | undefined, anonymousId: string | undefined): string {
  if (userId !== undefined) return `u:${userId}`;
  return anonymousId === undefined ? '' : `a:${anonymousId}`;
}
