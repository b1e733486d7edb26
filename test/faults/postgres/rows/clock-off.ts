import type { Row } from '../../row.js';
import { openStore, underLoad } from '../store.js';

const HOUR = 60 * 60_000;

/** The clock of a dispatcher is an hour off, in either direction. */
export const clockOff: Row = {
  name: 'clock-off',
  fault: 'the clock of one of two dispatchers is an hour ahead, then an hour behind',
  mustHold: 'nothing changes: each user’s order, nothing duplicated or given up',
  limitMs: 240_000,
  async run(context) {
    const clock = await context.jumpingClock();
    const store = await openStore(context);
    await store.start('dispatcher-2', 'dispatch', clock.env);
    await underLoad(store, { receiver: 'receive', 'dispatcher-1': 'dispatch' });
    await store.more(3_000);
    await clock.set(HOUR);
    await store.more(10_000);
    await clock.set(-HOUR);
    return await store.conclude(0);
  },
};
