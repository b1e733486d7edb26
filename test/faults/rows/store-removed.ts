import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, settled } from '../program.js';
import type { Row } from '../row.js';
import { startLoad } from '../senders.js';

/** Answers of 503 before an operator puts right what only an operator can. */
const REFUSALS = 20;
/** Events acknowledged between two removals, so that each one finds something to lose. */
const BETWEEN = 200;

/** Takes a store away; `mend` is what the operator does about it, where the receiver does not help itself. */
interface Removal {
  readonly name: string;
  remove(directory: string): Promise<void>;
  readonly mend?: (directory: string) => Promise<void>;
}

const database = (directory: string): string => join(directory, 'data', 'outbox.db');

const REMOVALS: readonly Removal[] = [
  { name: 'the directory', remove: (at) => rm(join(at, 'data'), { recursive: true }) },
  { name: 'the database', remove: (at) => rm(database(at)) },
  { name: 'the -wal', remove: (at) => rm(`${database(at)}-wal`) },
  {
    name: 'the database, by a file moved over it',
    async remove(at) {
      await writeFile(join(at, 'other'), 'of another program');
      await rename(join(at, 'other'), database(at));
    },
    async mend(at) {
      const saved = `${database(at)}.rescued-1`;
      await eventually(
        () => existsSync(saved),
        (isThere) => isThere,
      );
      await rm(`${database(at)}-wal`, { force: true });
      await rename(saved, database(at));
    },
  },
  {
    name: 'the directory, by renaming it',
    remove: (at) => rename(join(at, 'data'), join(at, 'elsewhere')),
    mend: (at) => rename(join(at, 'elsewhere'), join(at, 'data')),
  },
];

/** The store goes away under a running receiver, in every way of the above. */
export const storeRemoved: Row = {
  name: 'store-removed',
  fault: `under load, with a sink that is down, another program takes the store away in ${REMOVALS.length} ways: deletes its directory, its database or its \`-wal\`, moves a file over it, or renames its directory`,
  mustHold:
    '503 from the next write on, `/readyz` too, and the log says so, not for every delivery; everything acknowledged is saved and delivered',
  limitMs: 120_000,
  async run(context) {
    const ledger = new Ledger(['hook']);
    const hook = await context.listen();
    hook.behave(() => ({ status: 503 }));
    const retry = { initial: '50ms', max: '200ms', giveUpAfter: '1h' };
    const program = await context.start({
      config: {
        outbox: { path: './data/outbox.db' },
        sinks: { hook: { ...hook.options, body: 'array', retry } },
      },
    });
    const load = startLoad(context, { ledger, url: () => program.url, senders: 8, everyMs: 2 });
    const acknowledge = async (): Promise<void> => {
      const enough = ledger.acknowledged + BETWEEN;
      await eventually(
        () => ledger.acknowledged,
        (count) => count >= enough,
      );
    };
    await acknowledge();
    for (const { name, remove, mend } of REMOVALS) {
      const [refused, said] = [ledger.refused(503), lines(program.stderr())];
      await remove(context.directory);
      await eventually(
        () => ledger.refused(503),
        (count) => count > refused + (mend === undefined ? 0 : REFUSALS),
      );
      if (mend !== undefined) {
        const { status } = await fetch(`${program.url}/readyz`);
        ledger.expect(status === 503, `${name}: /readyz was ${status}`);
        await mend(context.directory);
      }
      await acknowledge();
      const more = lines(program.stderr()) - said;
      ledger.expect(more > 0 && more <= 5, `${name}: ${more} lines in the log`);
    }
    hook.behave(() => ({ status: 200 }));
    await load.stop();
    await settled(program);
    enterRecorded(ledger, 'hook', hook);
    const code = await program.end();
    ledger.expect(code === 0, `it ended with ${code}`);
    return ledger.outcome();
  },
};

/** Lines that the outbox itself has logged: not for each delivery that it refused. */
function lines(log: string): number {
  return (
    log.match(/"msg":"(The outbox (could|takes)|another program [^"]*; the receiver)/g)?.length ?? 0
  );
}
