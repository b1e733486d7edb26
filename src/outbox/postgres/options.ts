import type { Bounds } from '../bounds.js';
import type { ExchangeBounds } from '../exchange.js';
import type { Retention } from '../retention.js';

export interface PostgresOptions {
  /** One server, or several hosts separated by commas, of which the writable one is used. */
  readonly url: string;
  readonly schema: string;
  /** The number of ordering units. Fixed when the store is created. */
  readonly partitions: number;
  /** Milliseconds after which the lanes of a member that does not answer are taken over. */
  readonly lease: number;
  readonly durability: 'full' | 'normal';
  /** How many servers must have an event on disk before the answer. Default: 1. */
  readonly replicas?: number;
  /** Milliseconds. */
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: Retention;
  /** If absent, there are no limits. */
  readonly quarantine?: Bounds;
  readonly deadLetters?: Bounds;
  /** If absent, members do not tell each other what they record. */
  readonly recordings?: ExchangeBounds;
}
