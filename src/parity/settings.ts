/** The side of a comparison that an event was delivered on. */
export type Side = 'left' | 'right';

export const SIDES: readonly Side[] = ['left', 'right'];

/** Returns the other side. */
export function opposite(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}

/** What one comparison is configured to do. Times are milliseconds. */
export interface ParitySettings {
  readonly left: string;
  readonly right: string;
  /** JSON Pointer of a value that the application puts into both calls. */
  readonly correlate?: string;
  /** The largest distance of call times in a pair that is matched by fingerprint. */
  readonly window: number;
  /** An unpaired event counts as missing once the other side has been alive for this long after it. */
  readonly settle: number;
  /** Until then a missing event may still pair. */
  readonly final: number;
  /** Times that differ by less are equal. */
  readonly tolerance: number;
  /** JSON Pointers that are not compared; `*` is any key or index. */
  readonly ignore: readonly string[];
  readonly compare: CompareSettings;
}

/** How values are compared. */
export interface CompareSettings {
  /** `value`: numbers equal numbers of the same value. `text`: a number also equals its text. */
  readonly numbers: 'value' | 'text';
  /** `instant`: times are compared as instants, within the tolerance. `text`: as they are written. */
  readonly times: 'instant' | 'text';
  /** `exact`: by code point. `normalized`: after Unicode normalization and without outer spaces. */
  readonly strings: 'exact' | 'normalized';
}

/** What a difference can be. `missing`: absent on the right. `extra`: absent on the left. */
export type DifferenceKind =
  | 'missing'
  | 'extra'
  | 'type'
  | 'value'
  | 'precision'
  | 'time'
  | 'order';

export interface Difference {
  /** JSON Pointer, with `*` for an array index. */
  readonly path: string;
  readonly kind: DifferenceKind;
}

/**
 * How sure it is that two events belong together. `exact`: by messageId or correlation value. `strong`: by fingerprint,
 * one candidate. `repeat`: one of several identical events. `weak`: only the properties or the person differ.
 */
export type Grade = 'exact' | 'strong' | 'repeat' | 'weak';
