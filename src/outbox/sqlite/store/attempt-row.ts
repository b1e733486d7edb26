import type { Attempt } from '../../feed.js';
import { printable } from './text.js';

/** The columns of a failed attempt as read. */
export interface AttemptRow {
  readonly at: number;
  readonly error: string;
  readonly far_side: string | null;
  /** 1 or null. */
  readonly crashed: number | null;
}

type Columns = [at: number, error: string, farSide: string | null, crashed: number | null];

/** Returns the values for the columns `at`, `error`, `far_side` and `crashed`. */
export function columnsOf({ at, error, farSide, crashed }: Attempt): Columns {
  return [
    at,
    printable(error),
    farSide === undefined ? null : printable(farSide),
    crashed === undefined ? null : 1,
  ];
}

/** Returns the attempt of a row. Other columns are ignored. */
export function attemptIn({ at, error, far_side: farSide, crashed }: AttemptRow): Attempt {
  return {
    at,
    error,
    ...(farSide !== null && { farSide }),
    ...(crashed !== null && { crashed: true }),
  };
}
