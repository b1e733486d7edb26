import { expect, it } from 'vitest';
import { parsePointInTime } from '../../../src/config/schema/point-in-time.js';

const NOW = 1_790_000_000_000;

it.each([
  ['2026-11-21T14:00:00Z', Date.UTC(2026, 10, 21, 14)],
  ['2026-11-21t14:00:00.250z', Date.UTC(2026, 10, 21, 14) + 250],
  ['2026-11-21T14:00:00+02:00', Date.UTC(2026, 10, 21, 12)],
  ['24h', NOW - 86_400_000],
  ['500ms', NOW - 500],
])('reads %s', (text, at) => {
  expect(parsePointInTime(text, NOW)).toBe(at);
});

it.each([
  '',
  '24',
  'yesterday',
  '2026-11-21',
  '2026-11-21T14:00:00',
  '2026-13-21T14:00:00Z',
  '-1h',
])('reads no time from %j', (text) => {
  expect(parsePointInTime(text, NOW)).toBeUndefined();
});
