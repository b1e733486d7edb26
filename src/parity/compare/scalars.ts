import { readTimestamp } from '../../event/timestamp/timestamp.js';
import type { CompareSettings, DifferenceKind } from '../settings.js';

/** A time with a zone, as JSON serializers write it. Other texts that could be read as a time are texts. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)$/i;

/** Numbers closer than this, relative to the larger one, differ only by rounding. */
const ROUNDING = 1e-6;

/** Returns the instant that a text is, in milliseconds since the epoch; undefined if it is none. */
function instantOf(text: string): number | undefined {
  return text.length >= 20 && text.length <= 40 && INSTANT.test(text)
    ? readTimestamp(text)
    : undefined;
}

/** The result for two texts: equal, equal within the tolerance of times, or a kind of difference. */
export function compareTexts(
  left: string,
  right: string,
  { strings, times }: CompareSettings,
  tolerance: number,
): DifferenceKind | 'equal' | 'tolerated' {
  if (left === right) return 'equal';
  if (times === 'instant') {
    const [from, to] = [instantOf(left), instantOf(right)];
    if (from !== undefined && to !== undefined) {
      const distance = Math.abs(from - to);
      if (distance === 0) return 'equal';
      return distance < tolerance ? 'tolerated' : 'time';
    }
  }
  if (strings === 'normalized' && left.normalize().trim() === right.normalize().trim()) {
    return 'equal';
  }
  return 'value';
}

/** Returns the kind of difference of two unequal numbers. */
export function numberDifference(left: number, right: number): 'precision' | 'value' {
  const largest = Math.max(Math.abs(left), Math.abs(right));
  if (Math.abs(left - right) <= largest * ROUNDING) return 'precision';
  const [fine, coarse] =
    decimalsOf(left) > decimalsOf(right) ? [left, right] : ([right, left] as const);
  const decimals = decimalsOf(coarse);
  if (decimalsOf(fine) === decimals) return 'value';
  const unit = 10 ** decimals;
  const scaled = fine * unit;
  const whole = Math.round(coarse * unit);
  const isRounded = [Math.round(scaled), Math.trunc(scaled)].includes(whole);
  return isRounded && whole !== 0 ? 'precision' : 'value';
}

function decimalsOf(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, (digits.split('.')[1]?.length ?? 0) - Number(exponent));
}
