import { NotStarted } from '../../../support/receiver.js';
import type { Row } from '../../row.js';
import { openStore, Store } from '../store.js';

/** A member with another configuration is started. */
export const disagreement: Row = {
  name: 'disagreement',
  fault: 'a member is started whose sink has another destination',
  mustHold: 'it refuses to start, names the running member and the option; the others go on',
  limitMs: 240_000,
  async run(context) {
    const store = await openStore(context);
    await store.start('member-1', 'all');
    await store.start('member-2', 'all');
    await store.send(['member-1', 'member-2']);
    const { ledger } = store;
    await store.acknowledged(2_000);
    const other = new Store(
      context,
      await context.listen(),
      `postgresql://postgres@127.0.0.1:${store.cluster.port}/postgres`,
    );
    const said = await other.start('member-3', 'all').then(
      () => 'it started',
      (error: unknown) => (error instanceof NotStarted ? error.said : String(error)),
    );
    ledger.expect(
      /sinks\.hook\.url differs from that of member member-1/.test(said),
      `it said: ${said.slice(0, 300)}`,
    );
    await store.acknowledged();
    await store.finish();
    const { duplicated } = ledger.outcome();
    ledger.expect(duplicated === 0, `${duplicated} events came twice`);
    return ledger.outcome();
  },
};
