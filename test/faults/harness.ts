import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { shimsWork } from '../shim/compile.js';
import { compileJumpingClock } from '../shim/jumping-clock.js';
import { compileSlowDisk, type SlowDisk } from '../shim/slow-disk.js';
import { makeDirectory } from '../support/receiver.js';
import { startProgram } from './program.js';
import { openRecordingSink } from './recording-sink.js';
import { CannotRun, type Row, type RowContext, type RowOutcome } from './row.js';
import type { Result } from './table.js';

const LIMIT_MS = 60_000;
/** How long the end of a row waits for a program that is just starting, milliseconds. */
const START_WITHIN_MS = 10_000;

/** Runs rows one at a time, and leaves nothing behind of any. */
export class Harness {
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  #disk: Promise<SlowDisk> | undefined;
  #over: AbortController | undefined;
  readonly #events: number | undefined;

  /** `events`: how many a row sends, where that is not fixed; left out, what the table is made with. */
  constructor(events?: number) {
    this.#events = events;
  }

  /** Runs a row to its end or its time limit. What it threw is a problem of its outcome. */
  async run(row: Row): Promise<Result> {
    const startedAt = performance.now();
    const limit = row.limitMs ?? LIMIT_MS;
    const over = new AbortController();
    this.#over = over;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not over after ${limit / 1000} s`)), limit);
    });
    let outcome: RowOutcome;
    try {
      outcome = await Promise.race([
        this.#context(over.signal).then((context) => row.run(context)),
        late,
      ]);
    } catch (error) {
      outcome = failed(error);
    } finally {
      clearTimeout(timer);
      await this.end();
    }
    return { row, outcome, tookMs: performance.now() - startedAt };
  }

  /** Ends the row that runs now, and removes what it has started, latest first. */
  async end(): Promise<void> {
    this.#over?.abort();
    await this.#clean();
  }

  async #clean(): Promise<void> {
    for (let work = this.#cleanups.pop(); work !== undefined; work = this.#cleanups.pop()) {
      await work().catch((error: unknown) => {
        process.stderr.write(`while cleaning up: ${String(error)}\n`);
      });
    }
  }

  async #context(over: AbortSignal): Promise<RowContext> {
    const directory = await makeDirectory();
    const after = (work: () => Promise<unknown>): void => {
      this.#cleanups.push(work);
      // A row that ran out of time goes on by itself; what it starts then is ended at once.
      if (over.aborted) void this.#clean();
    };
    after(() => rm(directory, { recursive: true, force: true }));
    return {
      directory,
      events: this.#events,
      after,
      start: async (options) => {
        if (over.aborted) throw new Error('the row is over');
        const starting = startProgram(options.directory ?? directory, options);
        // Before it listens, so that one that is just starting when the row ends is ended, too.
        after(async () => {
          const stuck = sleep(START_WITHIN_MS, undefined, { ref: false });
          const program = await Promise.race([starting.catch(() => undefined), stuck]);
          await program?.end('SIGKILL');
        });
        return await starting;
      },
      listen: async () => {
        const sink = await openRecordingSink();
        after(() => sink.close());
        return sink;
      },
      slowDisk: () => {
        this.#disk ??= compiled(compileSlowDisk);
        return this.#disk;
      },
      // One a row: what a row has set must not be in force in the next.
      jumpingClock: () => compiled(compileJumpingClock),
    };
  }
}

async function compiled<Shim>(compile: () => Promise<Shim>): Promise<Shim> {
  if (!shimsWork) throw new CannotRun('needs Linux, whose linker preloads libraries');
  return await compile().catch(() => {
    throw new CannotRun('needs a C compiler named cc (on Debian: apt install gcc libc6-dev)');
  });
}

function failed(error: unknown): RowOutcome {
  const text = error instanceof Error ? error.message : String(error);
  const figures = { sent: 0, answered200: 0, delivered: 0, lost: 0, duplicated: 0 };
  return { ...figures, longestAnswerMs: 0, problems: [text], notes: [] };
}
