import { expect, it } from 'vitest';
import { measure } from './measure.js';

const TRAFFIC = { calls: 1_500, start: 1_790_000_000_000 };

it.each([
  ['shared messageIds', { sharesIds: true, bursts: true }, 0.999],
  ['normal traffic without shared messageIds', { sharesIds: false, bursts: false }, 0.998],
  ['bursts without shared messageIds', { sharesIds: false, bursts: true }, 0.99],
])('finds known faults: %s', (_, kind, least) => {
  const { calls, scores } = measure(11, { ...TRAFFIC, ...kind });
  expect(scores.length).toBeGreaterThan(10);
  // Of all verdicts. A class of few events has no precision to speak of.
  const wrong = scores.filter(({ found, truth }) => Math.abs(found - truth) > (1 - least) * calls);
  expect(wrong).toEqual([]);
});
