import { NotStarted } from '../../../support/receiver.js';
import type { Row } from '../../row.js';
import { openStore, Store, TWO_MEMBERS, underLoad } from '../store.js';

/** A member with another configuration is started. */
export const disagreement: Row = {
  name: 'disagreement',
  fault: 'a member is started whose sink has another destination',
  mustHold: 'it refuses to start, names the running member and the option; the others go on',
  limitMs: 240_000,
  async run(context) {
    const store = await underLoad(await openStore(context), TWO_MEMBERS);
    await store.more(2_000);
    const other = new Store(context, await context.listen(), store.cluster);
    const said = await other.start('member-3', 'all').then(
      () => 'it started',
      (error: unknown) => (error instanceof NotStarted ? error.said : String(error)),
    );
    store.ledger.expect(
      /sinks\.hook\.url differs from that of member member-[12]/.test(said),
      `it said: ${said.slice(0, 300)}`,
    );
    return await store.conclude(0);
  },
};
