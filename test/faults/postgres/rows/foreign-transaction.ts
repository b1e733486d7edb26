import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { eventually } from '../../../support/receiver.js';
import type { Row } from '../../row.js';
import { openStore, underLoad } from '../store.js';

const OPEN_MS = 8_000;

/** A transaction of somebody else writes and stays open. */
export const foreignTransaction: Row = {
  name: 'foreign-transaction',
  fault: 'a transaction of another program writes into another table and stays open',
  mustHold:
    'deliveries are accepted, delivery to sinks waits, the log names the process, nothing is lost',
  limitMs: 240_000,
  async run(context) {
    const store = await underLoad(await openStore(context), { 'member-1': 'all' });
    const { ledger } = store;
    await store.more(5_000);
    const client = new pg.Client({
      connectionString: `postgresql://postgres@127.0.0.1:${store.cluster.port}/postgres`,
      application_name: 'somebody else',
    });
    await client.connect();
    await client.query('BEGIN; CREATE TABLE foreign_table (a integer)');
    await sleep(OPEN_MS);
    const waiting = store.sink.taken.length;
    await store.more(1_000);
    ledger.expect(store.sink.taken.length === waiting, 'delivery did not wait');
    await eventually(
      () => store.members.get('member-1')?.stderr() ?? '',
      (log) => log.includes('application somebody else'),
    );
    await client.query('COMMIT');
    await client.end();
    return await store.conclude(0);
  },
};
