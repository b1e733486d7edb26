import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../row.js';
import { BATCH, LEASE_MS, openStore, PARTITIONS, underLoad } from '../store.js';

const DISPATCHERS = ['dispatcher-1', 'dispatcher-2'];
const STOPS = 3;

/** A dispatcher is stopped for three leases, and goes on as if nothing had happened. */
export const dispatcherStopped: Row = {
  name: 'dispatcher-stopped',
  fault: `one of two dispatchers is stopped (SIGSTOP) for three leases and goes on, ${STOPS} times`,
  mustHold:
    'each user’s order, at most partitions owned × batch duplicates a stop, what the stopped one settles late is refused',
  limitMs: 240_000,
  async run(context) {
    const store = await underLoad(await openStore(context), {
      receiver: 'receive',
      'dispatcher-1': 'dispatch',
      'dispatcher-2': 'dispatch',
    });
    for (let stop = 0; stop < STOPS; stop += 1) {
      await store.more(1_000);
      const victim = store.members.get(DISPATCHERS[stop % DISPATCHERS.length] ?? '');
      await store.midBatch(() => victim?.child.kill('SIGSTOP'));
      await sleep(3 * LEASE_MS);
      victim?.child.kill('SIGCONT');
    }
    const outcome = await store.conclude(STOPS * PARTITIONS * BATCH);
    const refused = [...store.members.values()].filter((member) =>
      /the lease of this process is over/.test(member.stderr()),
    );
    if (refused.length > 0) return outcome;
    const problem = 'no member has noticed that its lease was over';
    return { ...outcome, problems: [...outcome.problems, problem] };
  },
};
