import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../row.js';
import { BATCH, openStore, PARTITIONS, TWO_MEMBERS, underLoad } from '../store.js';

const RESTARTS = 4;

/** PostgreSQL crashes and starts again. */
export const storeRestarted: Row = {
  name: 'store-restarted',
  fault: `PostgreSQL crashes and restarts under load, ${RESTARTS} times (\`pg_ctl -m immediate restart\`)`,
  mustHold: '503 in time meanwhile, each user’s order, nothing lost',
  limitMs: 240_000,
  async run(context) {
    const store = await underLoad(await openStore(context), TWO_MEMBERS);
    const { ledger } = store;
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      await store.more(2_000);
      await sleep(Math.random() * 200);
      await store.cluster.restart('immediate');
    }
    const outcome = await store.conclude(RESTARTS * PARTITIONS * BATCH);
    return { ...outcome, notes: [`${ledger.refused(503)} answers of 503`] };
  },
};
