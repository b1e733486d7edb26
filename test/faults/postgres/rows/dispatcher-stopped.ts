import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../row.js';
import { BATCH, LEASE_MS, openStore, PARTITIONS } from '../store.js';

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
    const store = await openStore(context);
    await store.start('receiver', 'receive');
    await Promise.all(DISPATCHERS.map((name) => store.start(name, 'dispatch')));
    await store.send(['receiver']);
    const { ledger } = store;
    for (let stop = 0; stop < STOPS; stop += 1) {
      await store.acknowledged(ledger.acknowledged + 1_000);
      const victim = store.members.get(DISPATCHERS[stop % DISPATCHERS.length] ?? '');
      store.sink.behave(() => sleep(200, { status: 200 }));
      await sleep(300);
      victim?.child.kill('SIGSTOP');
      store.sink.behave(() => ({ status: 200 }));
      await sleep(3 * LEASE_MS);
      victim?.child.kill('SIGCONT');
    }
    await store.acknowledged();
    await store.finish();
    const most = STOPS * PARTITIONS * BATCH;
    const { duplicated } = ledger.outcome();
    ledger.expect(duplicated <= most, `${duplicated} came twice, over ${most}`);
    const refused = [...store.members.values()].filter((member) =>
      /the lease of this process is over/.test(member.stderr()),
    );
    ledger.expect(refused.length > 0, 'no member has noticed that its lease was over');
    return ledger.outcome();
  },
};
