import { parseUnit } from './units.js';

const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Parses a point in time: RFC 3339 (`2026-11-21T14:00:00Z`), or a duration before `now` (`24h`). Returns milliseconds
 * since the epoch; undefined for any other text.
 */
export function parsePointInTime(text: string, now: number): number | undefined {
  if (TIME.test(text)) {
    const at = Date.parse(text.toUpperCase());
    return Number.isNaN(at) ? undefined : at;
  }
  // A bare number would be milliseconds as a duration, but could be meant as a time.
  const before = /^\d+$/.test(text) ? undefined : parseUnit(text, 'duration');
  return before === undefined ? undefined : now - before;
}

/** For error messages. */
export const POINT_IN_TIME = 'a time such as 2026-11-21T14:00:00Z, or a duration such as 24h';
