import type { Spread } from '../statistics.js';
import { COLUMNS, type Column, isMet, type Line, type Target } from './result.js';

/** Columns whose range matters to a reader; the others would only make the table wide. */
const WITH_RANGE: ReadonlySet<Column> = new Set(['events', 'ratio', 'p99', 'delivered', 'share']);

/** A number with the digits of its column. */
export function numberText(value: number, column: Column): string {
  if (!Number.isFinite(value)) return '?';
  const { digits } = COLUMNS[column];
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The median, and the range of the rounds in columns where it matters. Empty if nothing was measured. */
export function cellText(spread: Spread | undefined, column: Column): string {
  if (spread === undefined) return '';
  const text = numberText(spread.median, column);
  const [low, high] = [numberText(spread.min, column), numberText(spread.max, column)];
  return low === high || !WITH_RANGE.has(column) ? text : `${text} (${low} to ${high})`;
}

/** What a target requires. */
export function targetText({ atLeast, atMost, column }: Target): string {
  const [word, limit] = atLeast === undefined ? ['at most', atMost] : ['at least', atLeast];
  return `${COLUMNS[column].title} ${word} ${numberText(limit ?? Number.NaN, column)}`;
}

/** Whether a line meets a target. */
export function verdictText(line: Line, target: Target): 'met' | 'missed' | 'not measured' {
  const met = isMet(line, target);
  if (met === undefined) return 'not measured';
  return met ? 'met' : 'missed';
}
