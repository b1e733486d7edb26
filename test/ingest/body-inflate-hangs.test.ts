import { Transform } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { readBody } from '../../src/ingest/body.js';
import { idle } from '../dispatch/fake-clock.js';
import { errorOf, requestOf } from '../http/requests.js';

// zlib's threads are those of name look-ups and files: a disk that hangs can hold all of them.
vi.mock('node:zlib', async (original) => ({
  ...(await original<typeof import('node:zlib')>()),
  createGunzip: () => new Transform({ transform: () => undefined }),
}));

it('a body that is never inflated is given up when its time is over', async () => {
  const body = gzipSync(Buffer.alloc(100_000));
  const request = requestOf({ body, headers: { 'content-encoding': 'gzip' } });
  const over = new AbortController();
  const read = errorOf(() =>
    readBody(request, {
      limit: 1000,
      signal: over.signal,
      late: () => 'BODY_TIMEOUT',
      account: () => undefined,
      takeTurn: async () => () => undefined,
      nextRead: async () => undefined,
    }),
  );
  // The body itself is there at once; it is the inflating that is waited for.
  await new Promise((resolve) => request.once('close', resolve));
  await idle();
  over.abort();
  // Not 408: the sender was in time.
  expect(await read).toMatchObject({ code: 'BUDGET_SPENT', status: 503, retryAfter: 1000 });
});
