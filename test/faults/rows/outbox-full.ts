import { eventually } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, settled } from '../program.js';
import type { Row } from '../row.js';
import { startLoad } from '../senders.js';

const MAX_PENDING = 500;
const SENDERS = 8;

/** A sink that is down until the outbox is at its limit, twice. */
export const outboxFull: Row = {
  name: 'outbox-full',
  fault: `a sink is down until the outbox is at \`maxPending\` (${MAX_PENDING}), twice`,
  mustHold: '503 with `Retry-After`, never more pending than that, recovery as it drains',
  async run(context) {
    const { start, listen } = context;
    const ledger = new Ledger(['hook']);
    const hook = await listen();
    const program = await start({
      config: {
        outbox: { maxPending: MAX_PENDING },
        sinks: {
          hook: {
            ...hook.options,
            body: 'array',
            batch: { size: 50, wait: '5ms' },
            retry: { initial: '50ms', max: '200ms', giveUpAfter: '1h' },
          },
        },
      },
    });
    let without = 0;
    const load = startLoad(context, {
      ledger,
      url: () => program.url,
      senders: SENDERS,
      everyMs: 2,
      onAnswer: (_, { status, retryAfter }) => {
        if (status === 503 && !(Number(retryAfter) >= 1)) without++;
      },
    });
    for (let round = 0; round < 2; round++) {
      const refused = ledger.refused(503);
      hook.behave(() => ({ status: 503 }));
      await eventually(
        () => ledger.refused(503),
        (count) => count > refused + 100,
      );
      const { pending } = await program.stats();
      ledger.expect(pending <= MAX_PENDING, `${pending} were pending`);
      const acknowledged = ledger.acknowledged;
      hook.behave(() => ({ status: 200 }));
      await eventually(
        () => ledger.acknowledged,
        (count) => count > acknowledged + MAX_PENDING * 2,
      );
    }
    await load.stop();
    await settled(program);
    enterRecorded(ledger, 'hook', hook);
    ledger.expect(without === 0, `${without} answers of 503 had no Retry-After`);
    const { duplicated } = ledger.outcome();
    ledger.expect(duplicated === 0, `${duplicated} were delivered twice`);
    return ledger.outcome();
  },
};
