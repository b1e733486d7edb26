import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/receiver.js';
import { workersOf } from '../../support/workers.js';
import { Ledger } from '../ledger.js';
import { enterFile, enterRecorded, settled } from '../program.js';
import type { Row } from '../row.js';
import { startLoad } from '../senders.js';

const WORKERS = 2;
const KILLS = 12;
const LONGEST_LIFE_MS = 600;

/** `kill -9` of random workers under load, while their primary and the sinks go on. */
export const workersKilled: Row = {
  name: 'workers-killed',
  fault: `\`kill -9\` of a random one of ${WORKERS} workers, or of all, ${KILLS} times under load`,
  mustHold:
    'each user’s order in both sinks, nothing duplicated although every delivery is retried',
  limitMs: 120_000,
  async run(context) {
    const { directory, start, listen } = context;
    const ledger = new Ledger(['archive', 'hook']);
    const hook = await listen();
    const program = await start({
      config: {
        server: { workers: WORKERS },
        sinks: {
          archive: { type: 'file', path: './events.ndjson' },
          hook: { ...hook.options, body: 'array' },
        },
      },
    });
    const load = startLoad(context, {
      ledger,
      url: () => program.url,
      senders: 8,
      untilAccepted: true,
    });
    for (let kill = 0; kill < KILLS; kill++) {
      const before = ledger.acknowledged;
      await eventually(
        () => ledger.acknowledged,
        (count) => count > before,
      );
      await sleep(Math.random() * LONGEST_LIFE_MS);
      const workers = await workersOf(program);
      const random = workers[Math.floor(Math.random() * workers.length)];
      const victims = kill % 4 === 3 ? workers : workers.filter((pid) => pid === random);
      for (const pid of victims) process.kill(pid, 'SIGKILL');
    }
    await eventually(
      () => workersOf(program),
      ({ length }) => length === WORKERS,
    );
    await load.stop();
    const { accepted } = await settled(program);
    await enterFile(ledger, 'archive', directory, 'events.ndjson');
    enterRecorded(ledger, 'hook', hook);
    const { duplicated, sent } = ledger.outcome();
    ledger.expect(duplicated === 0, `${duplicated} events came twice`);
    ledger.expect(accepted <= sent, `${accepted} events were accepted, but ${sent} were sent`);
    return ledger.outcome();
  },
};
