/** Caps on what one delivery may hold; beyond them it is answered 400. Contract section 4. */
export interface Limits {
  /** Levels of objects and arrays. */
  readonly depth: number;
  /** Keys of all objects of a body together. */
  readonly keys: number;
  /** Events of one batch. */
  readonly events: number;
}

export const LIMITS: Limits = { depth: 100, keys: 100_000, events: 5_000 };
