/** Limits on one delivery. A delivery that exceeds one is answered 400. */
export interface Limits {
  /** Levels of objects and arrays. */
  readonly depth: number;
  /** Keys of all objects of one event together. The fields beside a batch count as one more event. */
  readonly keys: number;
  /** Events of one batch. */
  readonly events: number;
}

export const LIMITS: Limits = { depth: 100, keys: 10_000, events: 5_000 };
