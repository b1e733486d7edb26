import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterFile, enterRecorded, settled } from '../program.js';
import type { Row } from '../row.js';
import { startLoad } from '../senders.js';

const ROUNDS = 3;
const DRAIN_WITHIN_MS = 10_000;
/** How long the sink takes for an answer: a backlog and deliveries under way are there when the signal comes. */
const SINK_TAKES_MS = 20;

/** SIGTERM under load, as a deployment sends it, with a sink that cannot keep up. */
export const stopped: Row = {
  name: 'stopped',
  fault: `SIGTERM under load, ${ROUNDS} times, with a sink that cannot keep up`,
  mustHold: 'exit 0 within 10 s, nothing delivered twice',
  async run(context) {
    const { directory, start, listen } = context;
    const ledger = new Ledger(['archive', 'hook']);
    const hook = await listen();
    hook.behave(async () => {
      await sleep(SINK_TAKES_MS);
      return { status: 200 };
    });
    const config = {
      sinks: {
        archive: { type: 'file', path: './events.ndjson' },
        hook: { ...hook.options, body: 'array', batch: { size: 10, wait: '5ms' } },
      },
    };
    let program = await start({ config });
    const load = startLoad(context, { ledger, url: () => program.url, senders: 16 });
    for (let round = 0; round < ROUNDS; round++) {
      const enough = ledger.acknowledged + 1_000;
      await eventually(
        () => ledger.acknowledged,
        (count) => count >= enough,
      );
      const toldAt = performance.now();
      const code = await program.end('SIGTERM');
      const tookMs = Math.round(performance.now() - toldAt);
      ledger.expect(code === 0, `it left with ${code} after SIGTERM`);
      ledger.expect(tookMs <= DRAIN_WITHIN_MS, `it took ${tookMs} ms to leave after SIGTERM`);
      program = await start({ config });
    }
    await load.stop();
    await settled(program);
    await enterFile(ledger, 'archive', directory, 'events.ndjson');
    enterRecorded(ledger, 'hook', hook);
    const { duplicated } = ledger.outcome();
    ledger.expect(duplicated === 0, `${duplicated} were delivered twice`);
    return ledger.outcome();
  },
};
