import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/receiver.js';
import { deliverSegment, trackText } from '../../support/sender.js';
import { startBatchLoad } from '../batch-load.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, type Program, SECRET, settled } from '../program.js';
import type { RecordingSink } from '../recording-sink.js';
import type { Row } from '../row.js';

const HOUR = 60 * 60_000;
/** Where the wall clock is put, from what is right: an hour back, then two hours forward, then right again. */
const JUMPS = [-HOUR, HOUR, 0] as const;
const LONGEST_BACKOFF_MS = 1_000;
/** A sink that is back has its events after one backoff; the machine may be busy. */
const BACK_WITHIN_MS = LONGEST_BACKOFF_MS + 2_000;
const DOWN_MS = 1_500;
/** How far the program's clock may be from where it was put: Node makes the header `Date` once a second. */
const CLOCK_OFF_MS = 5_000;

/** A wall clock that is set while the receiver runs and a sink is down. */
export const clockJumps: Row = {
  name: 'clock-jumps',
  fault:
    'while a sink is down the clock jumps an hour back, two hours forward, and to the right time again; then two hours back over a `kill -9`',
  mustHold:
    'the sink has everything within its backoff once it is back, nothing is given up, duplicates stay duplicates, no age is negative',
  limitMs: 90_000,
  async run(context) {
    const { start, listen, after, jumpingClock } = context;
    const clock = await jumpingClock();
    const ledger = new Ledger(['steady', 'flaky']);
    const [steady, flaky] = [await listen(), await listen()];
    // Giving up comes before either jump's end, so that a jump that counted as waiting would give events up.
    const retry = { initial: '50ms', max: `${LONGEST_BACKOFF_MS}ms`, giveUpAfter: '30m' };
    const options = {
      config: {
        sinks: {
          steady: { ...steady.options, body: 'array', retry },
          flaky: { ...flaky.options, body: 'array', retry },
        },
      },
      env: clock.env,
    };
    let program = await start(options);
    const checks = new Checks(ledger, flaky);
    let ages = watchAges(program, ledger);
    after(async () => ages.stop());
    const load = startBatchLoad(context, {
      ledger,
      url: program.url,
      senders: 4,
      usersEach: 5,
      batch: 5,
      everyMs: 20,
      onAccepted: (ids) => checks.accepted.push(...ids),
    });
    after(() => load.stop());
    await eventually(() => checks.accepted.length, Boolean);
    for (const jump of JUMPS) {
      const before = checks.newest();
      await flaky.goDown();
      await sleep(DOWN_MS / 2);
      await clock.set(jump);
      await checks.clockIs(program, jump);
      await sleep(DOWN_MS / 2);
      for (const id of [before, checks.newest()]) await checks.isDuplicate(program, id);
      await checks.comesBack();
    }

    await flaky.goDown();
    await clock.set(HOUR);
    await sleep(DOWN_MS);
    await load.stop();
    ages.stop();
    await program.end('SIGKILL');
    await clock.set(-HOUR);
    program = await start(options);
    ages = watchAges(program, ledger);
    await checks.clockIs(program, -HOUR);
    for (const id of [checks.accepted[0] ?? '', checks.newest()]) {
      await checks.isDuplicate(program, id);
    }
    await checks.comesBack();
    const { sinks } = await settled(program);
    ages.stop();

    enterRecorded(ledger, 'steady', steady);
    enterRecorded(ledger, 'flaky', flaky);
    const dead = sinks.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
    ledger.expect(dead === 0, `${dead} events were given up`);
    return ledger.outcome([`at most ${Math.round(checks.slowestBack)} ms until it had everything`]);
  },
};

/** What has to hold at every jump. */
class Checks {
  readonly accepted: string[] = [];
  slowestBack = 0;
  readonly #ledger: Ledger;
  readonly #flaky: RecordingSink;

  constructor(ledger: Ledger, flaky: RecordingSink) {
    this.#ledger = ledger;
    this.#flaky = flaky;
  }

  newest(): string {
    return this.accepted.at(-1) ?? '';
  }

  /** Without this, a clock that cannot be set would let everything hold. */
  async clockIs(program: Program, ahead: number): Promise<void> {
    const off = async (): Promise<number> => {
      const response = await fetch(`${program.url}/livez`);
      await response.arrayBuffer();
      return Math.abs(Date.parse(String(response.headers.get('date'))) - (Date.now() + ahead));
    };
    await eventually(off, (milliseconds) => milliseconds < CLOCK_OFF_MS, CLOCK_OFF_MS);
  }

  async isDuplicate(program: Program, id: string): Promise<void> {
    const [userId = ''] = id.split(':');
    const text = trackText(id, { userId });
    const response = await deliverSegment(`${program.url}/segment`, text, SECRET);
    const answer = (await response.json()) as { readonly duplicates?: number };
    this.#ledger.expect(
      answer.duplicates === 1,
      `${id} again was answered ${response.status} ${JSON.stringify(answer)}`,
    );
  }

  /** Lets the sink come back, and waits until it has everything that is owed to it at that moment. */
  async comesBack(): Promise<void> {
    const owed = new Set(this.accepted);
    await this.#flaky.comeBack();
    const since = performance.now();
    let at = 0;
    const { taken } = this.#flaky;
    const left = (): number => {
      for (; at < taken.length; at++) owed.delete(taken[at]?.messageId ?? '');
      return owed.size;
    };
    await eventually(left, (size) => size === 0, BACK_WITHIN_MS).catch(() => {
      this.#ledger.problem(`${left()} events are not there ${BACK_WITHIN_MS} ms after it is back`);
    });
    this.slowestBack = Math.max(this.slowestBack, performance.now() - since);
  }
}

/** Looks at all that statistics and metrics say, again and again. Nothing of it can be negative. */
function watchAges(program: Program, ledger: Ledger): { stop(): void } {
  let stopped = false;
  const look = async (): Promise<void> => {
    while (!stopped) {
      const stats = await (await fetch(`${program.adminUrl}/api/stats`)).text();
      const metrics = await (await fetch(`${program.adminUrl}/metrics`)).text();
      const negative = `${stats}\n${metrics}`.match(/[\w"{}=,]+[: ]-\d.*/g)?.[0];
      if (negative !== undefined) {
        ledger.problem(`negative: ${negative.slice(0, 100)}`);
        return;
      }
      await sleep(100);
    }
  };
  // The program was killed while it was asked.
  look().catch(() => undefined);
  return {
    stop() {
      stopped = true;
    },
  };
}
