import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../row.js';
import { BATCH, openStore, PARTITIONS } from '../store.js';

const RESTARTS = 4;

/** PostgreSQL crashes and starts again. */
export const storeRestarted: Row = {
  name: 'store-restarted',
  fault: `PostgreSQL crashes and restarts under load, ${RESTARTS} times (\`pg_ctl -m immediate restart\`)`,
  mustHold: '503 in time meanwhile, each user’s order, nothing lost',
  limitMs: 240_000,
  async run(context) {
    const store = await openStore(context);
    await store.start('member-1', 'all');
    await store.start('member-2', 'all');
    await store.send(['member-1', 'member-2']);
    const { ledger } = store;
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      await store.acknowledged(ledger.acknowledged + 2_000);
      await sleep(Math.random() * 200);
      await store.cluster.restart('immediate');
    }
    await store.acknowledged();
    await store.finish();
    const { duplicated } = ledger.outcome();
    const most = RESTARTS * PARTITIONS * BATCH;
    ledger.expect(duplicated <= most, `${duplicated} came twice, over ${most}`);
    return ledger.outcome([`${ledger.refused(503)} answers of 503`]);
  },
};
