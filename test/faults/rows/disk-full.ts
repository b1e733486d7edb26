import { execFile } from 'node:child_process';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterFile, settled } from '../program.js';
import type { Row, RowContext } from '../row.js';
import { startLoad } from '../senders.js';

const run = promisify(execFile);
const DISK_MB = 48;
const REFUSALS = 100;

/** A disk that can be filled up. */
interface Fillable {
  /** Where the program has its data. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly note: string;
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** The disk under the outbox and the file sink is full for a while. */
export const diskFull: Row = {
  name: 'disk-full',
  fault: 'the disk is full, then has space again',
  mustHold: '503 while it is full, recovery without a restart, nothing delivered twice',
  async run(context) {
    const ledger = new Ledger(['archive']);
    const disk = await smallDisk(context);
    const program = await context.start({
      directory: disk.directory,
      env: disk.env,
      config: {
        sinks: {
          archive: {
            type: 'file',
            path: './events.ndjson',
            batch: { size: 50, wait: '5ms' },
            retry: { initial: '50ms', max: '200ms', giveUpAfter: '1h' },
          },
        },
      },
    });
    const load = startLoad(context, { ledger, url: () => program.url, senders: 8, everyMs: 2 });
    const acknowledge = async (more: number): Promise<void> => {
      const enough = ledger.acknowledged + more;
      await eventually(
        () => ledger.acknowledged,
        (count) => count >= enough,
      );
    };
    await acknowledge(500);
    await disk.fill();
    await eventually(
      () => ledger.refused(503),
      (count) => count >= REFUSALS,
    );
    // Not at once: the log of the outbox may have room for a write now and then, and /readyz says so.
    await eventually(
      async () => (await fetch(`${program.url}/readyz`)).status,
      (status) => status === 503,
    );
    await disk.free();
    await acknowledge(500);
    await load.stop();
    ledger.expect(program.child.exitCode === null, 'the program ended');
    await settled(program);
    await enterFile(ledger, 'archive', disk.directory, 'events.ndjson');
    const { duplicated } = ledger.outcome();
    ledger.expect(duplicated === 0, `${duplicated} were delivered twice`);
    return ledger.outcome([disk.note]);
  },
};

/** A small disk of its own where this user may mount one, which on Linux root may; elsewhere one that says it is full. */
async function smallDisk(context: RowContext): Promise<Fillable> {
  return (await mounted(context)) ?? (await pretended(context));
}

async function mounted({ directory, after }: RowContext): Promise<Fillable | undefined> {
  const place = join(directory, 'disk');
  await mkdir(place);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', place]);
  } catch {
    return undefined;
  }
  after(() => run('umount', [place]));
  const ballast = join(place, 'ballast');
  return {
    directory: place,
    env: {},
    note: `a tmpfs of ${DISK_MB} MB`,
    fill: () => fillUp(ballast),
    free: () => rm(ballast),
  };
}

/** Writes until there is no space, first in large pieces, then what is left. */
async function fillUp(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const size of [1 << 20, 1 << 12]) {
      const piece = Buffer.alloc(size, 1);
      for (let full = false; !full; ) {
        full = await handle.write(piece).then(
          ({ bytesWritten }) => bytesWritten < size,
          () => true,
        );
      }
    }
  } finally {
    await handle.close();
  }
}

async function pretended({ directory, slowDisk }: RowContext): Promise<Fillable> {
  const disk = await slowDisk();
  const full = join(directory, disk.fullFile);
  return {
    directory,
    env: disk.env('outbox.db'),
    note: 'no right to mount a disk: ENOSPC by a preloaded library, for the outbox only',
    fill: () => writeFile(full, ''),
    free: () => rm(full),
  };
}
