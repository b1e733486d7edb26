import type { JsonValue } from '../../core/json.js';
import type { DifferenceKind, Grade, Side } from '../settings.js';

export type { DifferenceKind };

/** Verdicts of one type and name of event. `event` is null for types without a name. */
export interface EventRow {
  readonly type: string;
  readonly event: string | null;
  readonly both: number;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly different: number;
}

/** A pair: canonical events. null stands for an event that is too large to be kept. */
interface Example {
  readonly left: JsonValue;
  readonly right: JsonValue;
}

export interface DifferenceRow {
  /** JSON Pointer, with `*` for an array index. */
  readonly path: string;
  readonly kind: DifferenceKind;
  /** The pairs that differ in this way. */
  readonly events: number;
  /** In words, if it is known. */
  readonly cause?: string;
  readonly example: Example;
}

/** A time in which a side delivered nothing, while the other one did. Times are RFC 3339. */
export interface SilentRow {
  readonly side: Side;
  readonly from: string;
  /** null while it lasts. */
  readonly to: string | null;
  /** The events of the other side in this time. They are not counted as missing. */
  readonly events: number;
}

/** The result of a comparison, as `parity report --json` prints it. Times are RFC 3339. */
interface Report {
  readonly name: string;
  /** Sources. */
  readonly left: string;
  readonly right: string;
  readonly since: string;
  readonly until: string;
  /** Pairs. */
  readonly both: number;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  /** The pairs that differ. */
  readonly different: number;
  /** The percentage of all events that belong to a pair without a difference; null without any verdict. */
  readonly match: number | null;
  readonly pending: number;
  readonly late: number;
  /** Redeliveries within a side. */
  readonly repeats: number;
  readonly silent: readonly SilentRow[];
  /** Milliseconds between the two deliveries of a pair. null without a pair. */
  readonly lag: { readonly p50: number | null; readonly p99: number | null };
  readonly events: readonly EventRow[];
  readonly differences: readonly DifferenceRow[];
}

/** What the page and the readable reports show besides. */
export interface FullReport extends Report {
  /** The 95 % confidence interval of `match`, in percent. */
  readonly interval: readonly [number, number];
  readonly grades: Readonly<Record<Grade, number>>;
  readonly repeatsBySide: Readonly<Record<Side, number>>;
  /** The rules without which so many pairs would differ. */
  readonly rules: readonly { readonly rule: string; readonly events: number }[];
  /** Events without a partner, and why, in words. */
  readonly missing: readonly MissingRow[];
  /** Times of which nothing can be said, because the comparison could not record. */
  readonly gaps: readonly { readonly from: string; readonly to: string }[];
  readonly lags: { readonly p90: number | null; readonly max: number | null };
  /** Verdicts over time. */
  readonly series: readonly SeriesPoint[];
}

export interface MissingRow {
  readonly side: Side;
  readonly type: string;
  readonly event: string | null;
  readonly events: number;
  readonly cause?: string;
  readonly example?: JsonValue;
}

export interface SeriesPoint {
  /** RFC 3339: the start of the span. */
  readonly at: string;
  readonly both: number;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  readonly different: number;
}

/** Returns the part of a report that is promised to programs. */
export function publicReport(report: FullReport): Report {
  const { name, left, right, since, until, both, onlyLeft, onlyRight, different, match } = report;
  const { pending, late, repeats, silent, lag, events, differences } = report;
  return {
    ...{ name, left, right, since, until, both, onlyLeft, onlyRight, different, match },
    ...{ pending, late, repeats, silent, lag, events, differences },
  };
}
