import { setTimeout as sleep } from 'node:timers/promises';
import { startBatchLoad } from '../batch-load.js';
import { Delays } from '../delays.js';
import { Ledger } from '../ledger.js';
import { quarters, watchFootprint } from '../memory.js';
import { enterRecorded, settled } from '../program.js';
import type { Row } from '../row.js';

/** A day takes a minute here, and so do the times of the retries. */
const DAY_MS = 60_000;
const REAL_DAY_MS = 24 * 60 * 60_000;
const scaled = (milliseconds: number): string =>
  `${Math.max(1, Math.round((milliseconds * DAY_MS) / REAL_DAY_MS))}ms`;

/** Some 130,000 come; half of that on a machine that cannot keep up still shows it. */
const BACKLOG = 65_000;
/** The other sink's slowest one in a hundred events: it waits 200 ms for a batch to fill, and the machine may be busy. */
const DELAY_MS = 1_000;
const PADDING = 1_500;
/**
 * How many megabytes more the last quarter of the day may hold than the second. Half the backlog comes in between, over
 * 60 MB of text: were it held in memory, this would be exceeded, and what the garbage collector leaves now and then is less.
 */
const GROWTH_MB = 50;
/** Afterwards it all passes through as fast as it can, which leaves more garbage between two collections. */
const DRAIN_GROWTH_MB = 200;

/** A sink that nobody listens for during a day in which the events go on coming. */
export const sinkDayDown: Row = {
  name: 'sink-day-down',
  fault:
    'a sink is down for a day (scaled to a minute, with the times of its retries) and comes back',
  mustHold:
    'its backlog arrives in each user’s order and once; meanwhile memory stays flat and the other sink is not held up',
  limitMs: 180_000,
  async run(context) {
    const { start, listen, after } = context;
    const ledger = new Ledger(['down', 'up']);
    const [down, up] = [await listen(), await listen()];
    const delays = new Delays();
    up.behave((events) => {
      delays.arrived(events.map(({ messageId }) => messageId));
      return { status: 200 };
    });
    const retry = {
      initial: scaled(1_000),
      max: scaled(5 * 60_000),
      giveUpAfter: scaled(2 * REAL_DAY_MS),
    };
    const program = await start({
      config: {
        sinks: {
          down: { ...down.options, body: 'array', retry },
          up: { ...up.options, body: 'array', retry },
        },
      },
    });
    await down.goDown();
    const watch = watchFootprint(program.child.pid ?? 0, 250);
    after(async () => watch.stop());
    const load = startBatchLoad(context, {
      ledger,
      url: program.url,
      senders: 4,
      usersEach: 25,
      batch: 50,
      everyMs: 90,
      padding: PADDING,
      onAccepted: (ids) => delays.acknowledged(ids),
    });
    after(() => load.stop());
    await sleep(DAY_MS);
    await load.stop();
    const backlog = (await program.stats()).sinks.find(({ name }) => name === 'down')?.pending ?? 0;
    const memory = watch.samples.map(({ megabytes }) => megabytes);
    const { second, last } = quarters(memory);

    await down.comeBack();
    const backAt = performance.now();
    await settled(program, 90_000);
    const drainedIn = (performance.now() - backAt) / 1000;
    const peak = Math.max(...watch.samples.slice(memory.length).map(({ megabytes }) => megabytes));
    enterRecorded(ledger, 'down', down);
    enterRecorded(ledger, 'up', up);

    const { duplicated } = ledger.outcome();
    const slowest = delays.at(0.99);
    ledger.expect(duplicated === 0, `${duplicated} came again, though nothing was killed`);
    ledger.expect(backlog >= BACKLOG, `the backlog was only ${backlog} events, not ${BACKLOG}`);
    ledger.expect(slowest <= DELAY_MS, `the other sink was ${slowest} ms behind`);
    ledger.expect(last <= second + GROWTH_MB, `memory grew from ${mb(second)} to ${mb(last)}`);
    ledger.expect(peak <= second + DRAIN_GROWTH_MB, `memory grew to ${mb(peak)} while it drained`);
    return ledger.outcome([
      `backlog ${backlog.toLocaleString('en-US')}, drained in ${drainedIn.toFixed(0)} s`,
      `resident ${mb(second)} in the second quarter of the day, ${mb(last)} in the last, at most ${mb(peak)} afterwards`,
      `99 % reached the other sink within ${slowest} ms`,
    ]);
  },
};

function mb(megabytes: number): string {
  return `${Math.round(megabytes)} MB`;
}
