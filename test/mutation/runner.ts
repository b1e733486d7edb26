import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { type RunnerTask, type RunnerTestCase, TestRunner } from 'vitest';
import type { Report } from './run.js';
import { state } from './runtime.js';

const ENOUGH_ROUNDS = 1_000_000;
/** The wall time that a mutant may add to a test: a machine may be busy, and other mutants wait. */
const SPARE_MS = 10_000;
const MOST_TIMES_SLOWER = 10;

/**
 * Runs each test once as it is, notes which mutants it reaches, and then runs it again under each of them that is still
 * alive. Vitest's retries do the work, so the hooks of each test run every time.
 */
export default class MutantRunner extends TestRunner {
  readonly #reached: string;
  readonly #log: string;
  readonly #alive: Set<number>;
  /** Nothing but the one mutant can have broken a test. */
  readonly #only: boolean;
  /** Set if the mutant is on from the start of the process. */
  readonly #fixed: number | undefined;
  #queue: number[] = [];
  /** What the current try of a test is for. */
  #mode: 'baseline' | 'mutant' | 'check' = 'baseline';
  #unhandled = false;
  #collected = '';
  /** Milliseconds that the current test takes without a mutant. */
  #usual = 0;

  constructor(config: ConstructorParameters<typeof TestRunner>[0]) {
    super(config);
    this.#log = process.env['MUTANT_LOG'] ?? '';
    this.#reached = `${this.#log}.reached`;
    this.#alive = new Set(JSON.parse(process.env['MUTANT_ALIVE'] ?? '[]') as number[]);
    this.#only = this.#alive.size === 1;
    this.#fixed = process.env['MUTANT_ACTIVE'] === undefined ? undefined : state.active;
    state.isMain = true;
    process.on('unhandledRejection', () => {
      this.#unhandled = true;
    });
  }

  #report(report: Report): void {
    appendFileSync(this.#log, `${JSON.stringify(report)}\n`);
  }

  override async onBeforeRunTask(task: RunnerTask): Promise<void> {
    await super.onBeforeRunTask(task);
    if (task.type !== 'test') return;
    const test = task;
    if (this.#fixed !== undefined || test.fails) return;
    // So far the file and its suites were only collected.
    if (this.#collected !== test.file.name) {
      this.#collected = test.file.name;
      this.#report({ collected: test.file.name, reached: [...state.reached] });
    }
    // Vitest reads this before the first try.
    test.retry = 1_000_000;
    this.#mode = 'baseline';
    state.mostRounds = Number.POSITIVE_INFINITY;
    writeFileSync(this.#reached, '');
    process.env['MUTANT_REACHED'] = this.#reached;
  }

  override async onBeforeTryTask(test: RunnerTestCase): Promise<void> {
    super.onBeforeTryTask(test);
    if (this.#fixed !== undefined || test.fails) return;
    const id = this.#mode === 'mutant' ? (this.#queue[0] ?? -1) : -1;
    if (id >= 0) this.#report({ trying: id });
    state.active = id;
    process.env['MUTANT_ACTIVE'] = String(id);
    state.reached.clear();
    state.rounds = 0;
    this.#unhandled = false;
  }

  /** Ends a test that waits for ever long before its own limit, which is generous for the run without a mutant. */
  async runTask(test: RunnerTestCase): Promise<void> {
    const started = performance.now();
    const run = TestRunner.getTestFn(test)();
    if (this.#mode === 'baseline') {
      await run;
      this.#usual = performance.now() - started;
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const most = SPARE_MS + this.#usual * MOST_TIMES_SLOWER;
      timer = setTimeout(() => reject(new Error(`it took over ${most} ms`)), most);
    });
    try {
      await Promise.race([run, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async onAfterRetryTask(test: RunnerTestCase): Promise<void> {
    const { result } = test;
    if (result === undefined || test.fails) return;
    const failed = result.state === 'fail' || this.#unhandled;
    const name = `${test.file.name}: ${test.name}`;
    if (this.#fixed !== undefined) {
      if (failed) this.#report({ killed: this.#fixed, by: name });
      return;
    }
    state.active = -1;
    process.env['MUTANT_ACTIVE'] = '-1';
    if (this.#mode === 'baseline') {
      if (failed) {
        this.#report({ broken: name });
        stop();
      }
      state.mostRounds = ENOUGH_ROUNDS + state.rounds * 50;
      const elsewhere = readFileSync(this.#reached, 'utf8').split('\n').filter(Boolean);
      const reached = new Set([...state.reached, ...elsewhere.map(Number)]);
      delete process.env['MUTANT_REACHED'];
      this.#report({ test: name, reached: [...reached] });
      this.#queue = [...this.#alive].filter((id) => reached.has(id));
    } else if (this.#mode === 'mutant') {
      const id = this.#queue[0] ?? -1;
      if (failed) {
        // The next run shows whether the mutant has broken more than its own run.
        this.#mode = 'check';
        return this.#again(result);
      }
      this.#report({ survived: id });
      this.#queue.shift();
    } else {
      const id = this.#queue.shift() ?? -1;
      const sure = !failed || this.#only;
      this.#report(sure ? { killed: id, by: name } : { suspect: id });
      if (sure) this.#alive.delete(id);
      if (failed) stop();
    }
    this.#mode = 'mutant';
    if (this.#queue.length > 0) return this.#again(result);
    result.state = 'pass';
    delete result.errors;
    state.reached.clear();
  }

  #again(result: NonNullable<RunnerTestCase['result']>): void {
    result.state = 'fail';
    // Vitest retries only a test that has one.
    result.errors = [{ message: 'once more', stacks: [] }];
  }
}

/** Ends this process at once: Vitest forbids `process.exit` in tests. */
function stop(): void {
  process.kill(process.pid, 'SIGKILL');
}
