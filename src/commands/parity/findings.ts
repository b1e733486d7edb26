import type { DifferenceKind, FullReport, MissingRow } from '../../parity/report/report.js';

/** Something that costs events, in words. */
export interface Finding {
  readonly what: string;
  readonly events: number;
  readonly cause?: string;
}

const KINDS: Readonly<Record<DifferenceKind, string>> = {
  missing: 'is absent on the right',
  extra: 'is absent on the left',
  type: 'has another type',
  value: 'has another value',
  precision: 'has another precision',
  time: 'is another time',
  order: 'is in another order',
};

/** Returns everything that keeps events from matching, the costliest first. */
export function findingsOf(report: FullReport): Finding[] {
  const missing = report.missing.map((row) => ({
    what: `${nameOf(row)} is only on the ${row.side}`,
    events: row.events,
    ...(row.cause === undefined ? {} : { cause: row.cause }),
  }));
  // A pair that differs costs both of its events.
  const different = report.differences.map(({ cause, events, kind, path }) => ({
    what: `${path} ${KINDS[kind]}`,
    events: 2 * events,
    ...(cause === undefined ? {} : { cause }),
  }));
  return [...missing, ...different].sort((a, b) => b.events - a.events);
}

/** Returns what an event is called in a report. */
export function nameOf({ event, type }: Pick<MissingRow, 'event' | 'type'>): string {
  return event === null ? type : `${type} "${event}"`;
}

/** `1 event`, `2 events`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
