import { rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../row.js';
import { mountMemory } from '../disk.js';
import { BATCH, PARTITIONS, Store, serverFor, TWO_MEMBERS, underLoad } from '../store.js';

const DISK = 400 * 1024 * 1024;
const FULL_MS = 4_000;

/** The disk of the server is full for a while. */
export const storeDiskFull: Row = {
  name: 'store-disk-full',
  fault: `the disk of PostgreSQL is full for ${FULL_MS / 1_000} s under load`,
  mustHold: '503 in time meanwhile, nothing lost or doubled after there is room again',
  limitMs: 240_000,
  async run(context) {
    const parent = await mountMemory(context, DISK);
    const cluster = await serverFor(context, { parent });
    const store = new Store(context, await context.listen(), cluster);
    await underLoad(store, TWO_MEMBERS);
    const { ledger } = store;
    await store.more(3_000);
    const ballast = join(parent, 'ballast');
    await fill(ballast, parent);
    await sleep(FULL_MS);
    ledger.expect(ledger.refused(503) > 0, 'no delivery was answered 503');
    await rm(ballast);
    // A server that could not write its log has ended itself.
    const running = await store.query('SELECT 1').catch(() => undefined);
    if (running === undefined) {
      await cluster.stop('immediate').catch(() => undefined);
      await cluster.start();
    }
    const outcome = await store.conclude(PARTITIONS * BATCH);
    const ended = running === undefined ? 'PostgreSQL had ended itself' : 'PostgreSQL went on';
    return { ...outcome, notes: [`${ledger.refused(503)} answers of 503; ${ended}`] };
  },
};

/** Takes all the room that there is. */
async function fill(path: string, disk: string): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  const chunk = Buffer.alloc(1024 * 1024);
  await writeFile(path, '');
  for (let size = 0; size < bavail * bsize; size += chunk.length) {
    try {
      await writeFile(path, chunk, { flag: 'a' });
    } catch {
      return;
    }
  }
  // Rows of the last page are written into room that is there already.
  await truncate(path, bavail * bsize).catch(() => undefined);
}
