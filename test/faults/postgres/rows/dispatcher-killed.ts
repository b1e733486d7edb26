import { eventually } from '../../../support/receiver.js';
import type { Row } from '../../row.js';
import { BATCH, LEASE_MS, openStore, PARTITIONS, underLoad } from '../store.js';

const DISPATCHERS = ['dispatcher-1', 'dispatcher-2', 'dispatcher-3'];
const KILLS = 4;

/** The time after the lease in which others have to go on with what a dead dispatcher had. */
const TAKEOVER_MS = 2_000;

/** A dispatcher is killed in the middle of a batch. */
export const dispatcherKilled: Row = {
  name: 'dispatcher-killed',
  fault: `\`kill -9\` of one of three dispatchers in the middle of a batch, ${KILLS} times`,
  mustHold: `each user’s order, at most partitions owned × batch duplicates a kill, taken over within the lease (${LEASE_MS} ms) and ${TAKEOVER_MS} ms`,
  limitMs: 240_000,
  async run(context) {
    const store = await underLoad(await openStore(context), {
      receiver: 'receive',
      'dispatcher-1': 'dispatch',
      'dispatcher-2': 'dispatch',
      'dispatcher-3': 'dispatch',
    });
    const { ledger } = store;
    let slowest = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      await store.more(1_000);
      const victim = DISPATCHERS[kill % DISPATCHERS.length] ?? '';
      await store.midBatch(() => store.members.get(victim)?.end('SIGKILL'));
      const killedAt = performance.now();
      const free = `SELECT count(*)::integer AS dead FROM trackbridge.lane l
        WHERE NOT EXISTS (SELECT 1 FROM trackbridge.member m WHERE m.id = l.owner AND m.name <> '${victim}')`;
      await eventually(
        () => store.query(free),
        ([row]) => row?.['dead'] === 0,
      );
      slowest = Math.max(slowest, performance.now() - killedAt);
      await store.start(victim, 'dispatch');
    }
    const within = LEASE_MS + TAKEOVER_MS;
    ledger.expect(slowest <= within, `taken over after ${Math.round(slowest)} ms, over ${within}`);
    return await store.conclude(KILLS * Math.ceil(PARTITIONS / 2) * BATCH, [
      `taken over after at most ${Math.round(slowest)} ms`,
    ]);
  },
};
