import { expect, it } from 'vitest';
import { pauseAfter } from '../../../src/service/cluster/pool.js';
import { shareOf } from '../../../src/service/cluster/share.js';
import { harness } from '../../ingest/harness.js';

it('replaces a worker at once, and after growing pauses if it ends soon again and again', () => {
  expect([0, 1, 2, 3, 4, 8, 9, 50].map(pauseAfter)).toEqual([
    0, 0, 100, 200, 400, 6_400, 10_000, 10_000,
  ]);
});

it('divides the limits among the workers, and leaves none without', () => {
  const { server } = harness().deps;
  const limits = { maxConcurrent: 10, maxBodyBytes: 100, maxConnections: 2 };
  expect(shareOf({ ...server, ...limits, workers: 4 })).toEqual({
    ...server,
    workers: 4,
    maxConcurrent: 3,
    maxBodyBytes: 25,
    maxConnections: 1,
  });
});
