import type { Violation } from '../../core/errors.js';
import type { JsonValue } from '../../core/json.js';
import type { TraceContext } from '../../core/observe.js';
import type { CanonicalEvent } from '../../event/event.js';
import type { SentAs, Source } from '../../sources/source.js';

/**
 * Facts about an event apart from its content. Stored with a quarantined event, so that a replay has the same facts.
 */
export interface EventFacts {
  readonly deliveryId: string;
  readonly method: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly authenticated: boolean;
  readonly verifiedBy: string;
  readonly collisions?: readonly string[] | undefined;
  readonly sent?: SentAs | undefined;
  /** The span of the delivery; undefined if it is not traced. */
  readonly trace?: TraceContext | undefined;
}

/** An event on its way through the checks. */
export interface Incoming {
  /** The source that received the event, and the name of the source that it counts for. */
  readonly source: Source;
  readonly name: string;
  /** The value as decoded. */
  readonly raw: JsonValue;
  readonly facts: EventFacts;
  /** `facts.receivedAt` as RFC 3339. All events of a delivery share one string. */
  readonly arrival: string;
  /** Why verification did not authenticate the event; absent if it did, or if an operator replays the event. */
  readonly unauthenticated?: string | undefined;
  /** The result of the check `canonical`, for the checks after it. */
  canonical?: { readonly event: CanonicalEvent; readonly messageIdGenerated: boolean };
}

/** The result of one check; undefined if the event passes. */
export type Objection =
  | {
      readonly outcome: 'quarantine';
      /** A short label for lists. */
      readonly reason: 'unauthenticated' | 'invalid';
      readonly errors: readonly Violation[];
    }
  | {
      /** The event is dropped. */
      readonly outcome: 'drop';
      readonly reason: 'unauthenticated' | 'looped';
      readonly errors: readonly Violation[];
    };

/** One rule that an event must pass before it is accepted. */
export interface Check {
  readonly name: string;
  apply(event: Incoming): Objection | undefined;
}

/** Applies the checks in order. The first one that objects decides. */
export function firstObjection(checks: readonly Check[], event: Incoming): Objection | undefined {
  for (const check of checks) {
    const objection = check.apply(event);
    if (objection !== undefined) return objection;
  }
  return undefined;
}

/** Returns the objection to an event with these errors; undefined if there are none. */
export function quarantineIf(errors: readonly Violation[]): Objection | undefined {
  return errors.length === 0 ? undefined : { outcome: 'quarantine', reason: 'invalid', errors };
}
