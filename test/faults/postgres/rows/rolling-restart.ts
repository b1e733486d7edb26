import type { Row } from '../../row.js';
import { openStore, TWO_MEMBERS, underLoad } from '../store.js';

const MEMBERS = ['member-1', 'member-2', 'member-3'];

/** All members are restarted, one after the other, twice. */
export const rollingRestart: Row = {
  name: 'rolling-restart',
  fault:
    'three members that receive and dispatch are restarted by SIGTERM, one after the other, twice',
  mustHold: 'each user’s order, nothing duplicated, every exit code 0',
  limitMs: 240_000,
  async run(context) {
    const store = await underLoad(await openStore(context), {
      ...TWO_MEMBERS,
      'member-3': 'all',
    });
    const { ledger } = store;
    for (const name of [...MEMBERS, ...MEMBERS]) {
      await store.more(1_500);
      const code = await store.members.get(name)?.end('SIGTERM');
      ledger.expect(code === 0, `${name} ended with ${code}`);
      await store.start(name, 'all');
    }
    return await store.conclude(0);
  },
};
