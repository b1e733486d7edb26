import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { OutboxStats } from '../../../src/outbox/statistics.js';
import { startOutboxChild } from '../outbox-child.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();

// The kill comes after as many acknowledgements, not after a time: with this the rounds end at different places of the
// write, checkpoint (about every 300 appends) included, on any machine.
const ROUNDS = [1, 37, 310, 650];

// With the second number messageIds are being merged into their tables at each kill.
it.each([undefined, 16])(
  'keeps everything that was acknowledged when the process is killed, and invents nothing (merging at %s)',
  async (mergeSeenAt) => {
    const path = join(await newPlace(), 'outbox.db');
    const asked = new Set<string>();
    const acknowledged = new Set<string>();
    for (const [round, killAfter] of ROUNDS.entries()) {
      const child = await startOutboxChild(path, {}, mergeSeenAt);
      let next = 0;
      const keepAsking = async (worker: number): Promise<void> => {
        while (child.process.connected) {
          next += 1;
          const id = `r${round}w${worker}n${next}`;
          asked.add(id);
          await child.ask({ do: 'append', ids: [id] });
          acknowledged.add(id);
          if (next >= killAfter) void child.kill();
        }
      };
      // Those that are under way when the process dies never hear back, so nobody waits for them.
      for (let worker = 0; worker < 8; worker += 1) keepAsking(worker).catch(() => undefined);
      await new Promise((resolve) => child.process.once('exit', resolve));
    }

    const child = await startOutboxChild(path, {}, mergeSeenAt);
    const stats = (await child.ask({ do: 'stats' })) as OutboxStats;
    expect(acknowledged.size).toBeGreaterThanOrEqual(ROUNDS.length);
    expect(stats.accepted).toBeGreaterThanOrEqual(acknowledged.size);
    expect(stats.accepted).toBeLessThanOrEqual(asked.size);
    expect(stats.pending).toBe(stats.accepted);
    const again = (await child.ask({ do: 'append', ids: [...acknowledged] })) as {
      outcome: string;
    }[];
    expect(again.filter(({ outcome }) => outcome !== 'duplicate')).toEqual([]);
    await child.kill();
  },
);
