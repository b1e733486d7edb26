import type { JsonObject } from '../core/json.js';
import { isObject } from '../core/json.js';
import type { CanonicalEvent } from '../event/event.js';
import { type Fingerprint, fingerprintOf, type PersonKeys } from './fingerprint.js';
import { hashOf } from './hash.js';
import { createNormalizer, type Normalized } from './normalize/normalize.js';
import { objectAt, stepsOf } from './paths.js';
import type { ParitySettings, Side } from './settings.js';

/** An event as it was delivered. */
export interface Arrival {
  readonly id: number;
  readonly side: Side;
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number;
  /** The canonical event. */
  readonly json: string;
}

/** `unpaired`: until it settles. `excused`: nothing can be said about it, because of an outage or a gap. */
export type EntryState = 'unpaired' | 'missing' | 'excused';

/** An arrival that has no partner yet. */
export interface Entry extends Arrival, PersonKeys {
  readonly state: EntryState;
  readonly event: CanonicalEvent;
  readonly normalized: Normalized;
  readonly fingerprint: Fingerprint;
  /** For the pairing: the same as the fingerprint's and the order of arrival. */
  readonly call: number;
  readonly timestamp: number;
  readonly order: number;
}

/** Reads arrivals of one comparison. */
export class EntryReader {
  readonly #normalize: (event: JsonObject) => Normalized;
  readonly #correlate: readonly string[] | undefined;

  constructor({ correlate, ignore }: Pick<ParitySettings, 'correlate' | 'ignore'>) {
    this.#normalize = createNormalizer(ignore);
    this.#correlate = correlate === undefined ? undefined : stepsOf(correlate);
  }

  /** `keys` returns the keys of its person. Returns undefined for text that is not an event: a disk may garble it. */
  read(
    arrival: Arrival,
    state: EntryState,
    keys: (fingerprint: Fingerprint) => PersonKeys,
  ): Entry | undefined {
    const event = eventOf(arrival.json);
    if (event === undefined) return undefined;
    const normalized = this.#normalize(event);
    const fingerprint = fingerprintOf(event, normalized, this.#correlate);
    return {
      ...arrival,
      ...keys(fingerprint),
      state,
      event,
      normalized,
      fingerprint,
      call: fingerprint.call,
      timestamp: fingerprint.timestamp,
      order: arrival.id,
    };
  }
}

function eventOf(json: string): CanonicalEvent | undefined {
  try {
    const event: unknown = JSON.parse(json);
    const isEvent = isObject(event) && isObject(event['receipt']) && isObject(event['context']);
    return isEvent ? (event as CanonicalEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** The libraries that sent a pair. The offset of call times depends on them. */
export function librariesOf(left: Entry, right: Entry): string {
  return `${libraryOf(left)} ${libraryOf(right)}`;
}

function libraryOf({ event }: Entry): string {
  const name = objectAt(event.context, 'library')?.['name'];
  return typeof name === 'string' ? name.slice(0, 60) : '';
}

/** Returns the key of an anonymousId. */
export function anonymousKey(id: string | undefined): number | null {
  return id === undefined ? null : hashOf(id);
}
