import { describe, expect, it } from 'vitest';
import { httpFailure, retryAfterOf } from '../../../src/sinks/kit/http-answer.js';

const NOW = Date.parse('2026-01-02T03:04:05.000Z');
const DAY = 24 * 60 * 60 * 1000;

describe('retryAfterOf', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 5 ', 5_000],
    ['86401', DAY],
    ['9'.repeat(400), DAY],
    ['Fri, 02 Jan 2026 03:05:05 GMT', 60_000],
    ['Friday, 02-Jan-26 03:05:05 GMT', 60_000],
    ['Thu, 01 Jan 2026 03:04:05 GMT', 0],
    ['Fri, 02 Jan 2099 03:04:05 GMT', DAY],
    [undefined, undefined],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    ['2026-01-02T03:05:05Z', undefined],
    ['Fri, 99 Jan 2026 03:05:05 GMT', undefined],
  ])('reads %j as %j', (value, expected) => {
    expect(retryAfterOf(value, NOW)).toBe(expected);
  });
});

describe('httpFailure', () => {
  const OURS = Date.parse('2026-01-02T01:00:00.000Z');
  const THEIRS = 'Fri, 02 Jan 2026 03:04:05 GMT';
  const LATER = 'Fri, 02 Jan 2026 03:04:12 GMT';

  it.each([
    ['by the date of the answer, where our clock is behind', { date: THEIRS }, 7_000],
    ['by the first of several dates', { date: [THEIRS, 'nonsense'] }, 7_000],
    ['by our own clock, where the answer has no date', {}, 7_452_000],
    ['by our own clock, where its date cannot be read', { date: '5.5' }, 7_452_000],
  ])('counts a date in Retry-After %s', (_, headers, expected) => {
    const failure = httpFailure(503, { ...headers, 'retry-after': LATER }, '', OURS);
    expect(failure?.retryAfter).toBe(expected);
  });
});
