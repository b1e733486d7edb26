import type { Row } from '../../row.js';
import { BATCH, PARTITIONS, Store, serverFor, TWO_MEMBERS, underLoad } from '../store.js';

/** The primary is killed, and its synchronous standby takes its place. */
export const standbyPromoted: Row = {
  name: 'standby-promoted',
  fault:
    'the primary is killed under load and its synchronous standby promoted; members know both hosts',
  mustHold: '503 in time meanwhile, each user’s order, nothing lost, members find the new primary',
  limitMs: 240_000,
  async run(context) {
    const primary = await serverFor(context);
    const standby = await serverFor(context, { standbyOf: primary });
    const ports = [primary.port, standby.port];
    const store = new Store(context, await context.listen(), primary, ports);
    await store.query("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    await store.query('SELECT pg_reload_conf()');
    await underLoad(store, TWO_MEMBERS);
    const { ledger } = store;
    await store.more(5_000);
    const [row] = await store.query('SELECT sync_state FROM pg_stat_replication');
    ledger.expect(row?.['sync_state'] === 'sync', `the standby is ${row?.['sync_state']}`);
    await primary.stop('immediate');
    await standby.promote();
    store.cluster = standby;
    const outcome = await store.conclude(PARTITIONS * BATCH);
    return { ...outcome, notes: [`${ledger.refused(503)} answers of 503`] };
  },
};
