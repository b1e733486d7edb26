import { join, relative } from 'node:path';
import type { Row } from '../../row.js';
import { mountFile } from '../disk.js';
import { BATCH, PARTITIONS, Store, serverFor, TWO_MEMBERS, underLoad } from '../store.js';

const DISK = 1024 * 1024 * 1024;

/** The machine of the server loses power. */
export const powerCut: Row = {
  name: 'power-cut',
  fault:
    'the machine of PostgreSQL loses power under load: its disk has what was flushed, and nothing else (a copy of the image of its mounted file system)',
  mustHold: 'PostgreSQL starts on that disk, and nothing acknowledged before is missing there',
  limitMs: 240_000,
  async run(context) {
    const disk = await mountFile(context, DISK);
    const cluster = await serverFor(context, { parent: disk.directory });
    const store = new Store(context, await context.listen(), cluster);
    // What was made before the load is on the disk; from here on only what PostgreSQL flushes.
    await store.query('CHECKPOINT');
    await disk.flush();
    await underLoad(store, TWO_MEMBERS);
    const { ledger } = store;
    await store.more(8_000);
    const before = ledger.acknowledgedIds();
    const copy = await disk.copy();
    const outcome = await store.conclude(PARTITIONS * BATCH);

    const directory = join(copy.directory, relative(disk.directory, cluster.directory));
    const revived = new Store(context, store.sink, await serverFor(context, { copyOf: directory }));
    const rows = await revived.query(
      "SELECT json::json->>'messageId' AS id FROM trackbridge.event",
    );
    const there = new Set(rows.map((row) => String(row['id'])));
    const missing = before.filter((id) => !there.has(id));
    const problems =
      missing.length === 0 ? [] : [`${missing.length} were acknowledged and are not on the disk`];
    return {
      ...outcome,
      lost: outcome.lost + missing.length,
      problems: [...outcome.problems, ...problems],
      notes: [`${before.length.toLocaleString('en-US')} acknowledged before the cut`],
    };
  },
};
