import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../../row.js';
import { anyOf, openStore, underLoad } from '../store.js';

const RECEIVERS = ['receiver-1', 'receiver-2', 'receiver-3'];
const LONGEST_LIFE_MS = 2_000;

/** Two of three receivers are killed, again and again. */
export const receiversKilled: Row = {
  name: 'receivers-killed',
  fault: '`kill -9` of one or two of three receivers, again and again under load',
  mustHold: 'each user’s order, nothing duplicated although every delivery is retried',
  limitMs: 240_000,
  async run(context) {
    const store = await underLoad(await openStore(context), {
      dispatcher: 'dispatch',
      'receiver-1': 'receive',
      'receiver-2': 'receive',
      'receiver-3': 'receive',
    });
    let over = false;
    const done = store.acknowledged().then(() => {
      over = true;
    });
    let kills = 0;
    while (!over) {
      await sleep(Math.random() * LONGEST_LIFE_MS);
      const survivor = anyOf(RECEIVERS);
      const victims = RECEIVERS.filter((name) => name !== survivor);
      const killed = Math.random() < 0.5 ? victims : victims.slice(0, 1);
      await Promise.all(killed.map((name) => store.members.get(name)?.end('SIGKILL')));
      await Promise.all(killed.map((name) => store.start(name, 'receive')));
      kills += killed.length;
    }
    await done;
    const outcome = await store.conclude(0, [`${kills} kills`]);
    const { accepted } = await store.stats();
    if (accepted <= outcome.sent) return outcome;
    const problem = `${accepted} events were accepted, but ${outcome.sent} were sent`;
    return { ...outcome, problems: [...outcome.problems, problem] };
  },
};
