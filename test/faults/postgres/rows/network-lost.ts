import { setTimeout as sleep } from 'node:timers/promises';
import { type Relay, startRelay } from '../../../support/relay.js';
import type { Row } from '../../row.js';
import { BATCH, LEASE_MS, openStore, PARTITIONS, Store } from '../store.js';

/** What the network does, one after the other. */
const LOSSES: readonly (readonly [number, (relay: Relay) => void])[] = [
  [2 * LEASE_MS, (relay) => relay.stall()],
  [2 * LEASE_MS, (relay) => relay.mute()],
  [1_000, (relay) => relay.cut()],
];

/** One of two members does not reach the store. */
export const networkLost: Row = {
  name: 'network-lost',
  fault:
    'one of two members reaches the store no longer: packets vanish, then only the answers, then connections break',
  mustHold: 'it answers 503 in time, the other goes on, each user’s order, nothing lost',
  limitMs: 240_000,
  async run(context) {
    const store = await openStore(context);
    const relay = await startRelay(store.cluster.port);
    context.after(() => relay.close());
    const far = new Store(context, store.sink, store.cluster, [relay.port]);
    store.members.set('member-2', await far.start('member-2', 'all'));
    await store.start('member-1', 'all');
    await store.send(['member-1', 'member-2']);
    const { ledger } = store;
    for (const [ms, lose] of LOSSES) {
      await store.more(1_000);
      lose(relay);
      await sleep(ms);
      relay.mend();
    }
    const outcome = await store.conclude(LOSSES.length * PARTITIONS * BATCH);
    const refused = ledger.refused(503);
    const problems = refused > 0 ? outcome.problems : ['no delivery was answered 503'];
    return { ...outcome, problems, notes: [`${refused} answers of 503`] };
  },
};
