import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterFile, type Program, settled } from '../program.js';
import type { Row } from '../row.js';
import { startLoad } from '../senders.js';

const STALL_MS = 7_000;
const SENDERS = 20;
/** On a machine that others use, too, an answer of /livez may be late by itself. */
const LIVEZ_WITHIN_MS = 500;

/** An fsync of the outbox that hangs for longer than any budget, and then a kill while it hangs once more. */
export const diskStalls: Row = {
  name: 'disk-stalls',
  fault: `an fsync that hangs ${STALL_MS / 1000} s, then one that hangs until a \`kill -9\``,
  mustHold: '503 within the budget, no 200 while it hangs, `/livez` within 500 ms',
  async run(context) {
    const { directory, start, slowDisk } = context;
    const ledger = new Ledger(['archive']);
    const disk = await slowDisk();
    const hang = join(directory, disk.hangFile);
    const config = { sinks: { archive: { type: 'file', path: './events.ndjson' } } };
    let program = await start({ config, env: disk.env('outbox.db') });
    let stalledAt = Number.POSITIVE_INFINITY;
    let falselyAcknowledged = 0;
    const load = startLoad(context, {
      ledger,
      url: () => program.url,
      senders: SENDERS,
      everyMs: 2,
      onAnswer: (_, { status }, startedAt) => {
        // Written by a commit that began after the stall, so it cannot be on the disk.
        if (status === 200 && startedAt > stalledAt) falselyAcknowledged++;
      },
    });
    const acknowledge = async (more: number): Promise<void> => {
      const enough = ledger.acknowledged + more;
      await eventually(
        () => ledger.acknowledged,
        (count) => count >= enough,
      );
    };
    await acknowledge(500);
    await writeFile(hang, '');
    stalledAt = performance.now();
    const slowest = await slowestLivez(program, STALL_MS);
    ledger.expect(slowest <= LIVEZ_WITHIN_MS, `/livez took ${Math.round(slowest)} ms`);
    ledger.expect(ledger.refused(503) >= SENDERS, 'not every sender was answered 503 meanwhile');
    stalledAt = Number.POSITIVE_INFINITY;
    await rm(hang);
    await acknowledge(500);

    await writeFile(hang, '');
    stalledAt = performance.now();
    await sleep(STALL_MS / 7);
    await program.end('SIGKILL');
    stalledAt = Number.POSITIVE_INFINITY;
    await rm(hang);
    program = await start({ config, env: disk.env('outbox.db') });
    await acknowledge(500);
    await load.stop();
    await settled(program);
    await enterFile(ledger, 'archive', directory, 'events.ndjson');
    ledger.expect(
      falselyAcknowledged === 0,
      `${falselyAcknowledged} were answered 200 while nothing could be on the disk`,
    );
    return ledger.outcome();
  },
};

/** Asks /livez again and again for so long; resolves to the longest answer, milliseconds. */
async function slowestLivez(program: Program, forMs: number): Promise<number> {
  const until = performance.now() + forMs;
  let slowest = 0;
  while (performance.now() < until) {
    const askedAt = performance.now();
    const { status } = await fetch(`${program.url}/livez`);
    slowest = Math.max(
      slowest,
      status === 200 ? performance.now() - askedAt : Number.POSITIVE_INFINITY,
    );
    await sleep(50);
  }
  return slowest;
}
