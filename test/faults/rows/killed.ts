import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterFile, enterRecorded, type Program, settled } from '../program.js';
import type { Row } from '../row.js';
import { startLoad } from '../senders.js';

const KILLS = 20;
const LONGEST_LIFE_MS = 800;
const LANES = 4;
const BATCH = 10;

/** `kill -9` at random moments under load, again and again over the same data. */
export const killed: Row = {
  name: 'killed',
  fault: `\`kill -9\` at random moments under load, ${KILLS} times over the same data`,
  mustHold: 'each user’s order in both sinks, no event nobody sent',
  limitMs: 120_000,
  async run(context) {
    const { directory, start, listen } = context;
    const ledger = new Ledger(['archive', 'hook']);
    const hook = await listen();
    const common = { lanes: LANES, batch: { size: BATCH, wait: '5ms' } };
    const config = {
      sinks: {
        archive: { type: 'file', path: './events.ndjson', ...common },
        hook: { ...hook.options, body: 'array', ...common },
      },
    };
    let program: Program = await start({ config });
    const load = startLoad(context, { ledger, url: () => program.url, senders: 8 });
    const acknowledge = async (): Promise<void> => {
      const before = ledger.acknowledged;
      await eventually(
        () => ledger.acknowledged,
        (count) => count > before,
      );
    };
    for (let kill = 0; kill < KILLS; kill++) {
      // Every third may not even have answered yet: it still goes through what the one before left.
      if (kill % 3 > 0) await acknowledge();
      await sleep(Math.random() * LONGEST_LIFE_MS);
      await program.end('SIGKILL');
      program = await start({ config });
    }
    await load.stop();
    await settled(program);
    await enterFile(ledger, 'archive', directory, 'events.ndjson');
    enterRecorded(ledger, 'hook', hook);
    const outcome = ledger.outcome();
    // What was on its way to a sink when the process died comes again, and nothing else.
    const most = KILLS * LANES * BATCH * 2;
    ledger.expect(outcome.duplicated <= most, `${outcome.duplicated} came again, over ${most}`);
    return ledger.outcome();
  },
};
