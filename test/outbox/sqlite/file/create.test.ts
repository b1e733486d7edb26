import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkStore } from '../../../../src/outbox/sqlite/health/check.js';
import { compileSlowDisk, type SlowDisk, slowDiskWorks } from '../../../shim/slow-disk.js';
import { startOutboxChild } from '../../outbox-child.js';
import { temporaryPlaces } from '../../temporary-places.js';

const newPlace = temporaryPlaces();
const KB = 1024;

describe.runIf(slowDiskWorks)('a first start on a disk with room for', () => {
  let shim: SlowDisk;
  beforeAll(async () => {
    shim = await compileSlowDisk();
  });

  // An empty store is 128 kB; what the first start writes into it goes into the -wal.
  it.each([0, 60 * KB, 127 * KB, 130 * KB, 145 * KB, 208 * KB])(
    '%i bytes makes the whole store or none, and the next start has it',
    async (room) => {
      const path = join(await newPlace(), 'data', 'outbox.db');
      const first = await startOutboxChild(path, shim.env('outbox.db', '.', room)).then(
        async (child) => {
          await child.kill();
          return 'open';
        },
        (error: unknown) => String(error),
      );
      if (first !== 'open') expect(first).toMatch(/disk (of|under) .*is full/);
      if (existsSync(path)) expect(checkStore(path).state).toBe('sound');
      else expect(readdirSync(dirname(path))).toEqual([]);
      const next = await startOutboxChild(path);
      await next.ask({ do: 'append', ids: ['a'] });
      expect(await next.ask({ do: 'warnings' })).toEqual([]);
      await next.ask({ do: 'close' });
      await next.kill();
      expect(checkStore(path)).toMatchObject({ state: 'sound', content: { events: 1 } });
    },
  );
});
