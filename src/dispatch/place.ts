import type { SinkState } from './health.js';
import type { SinkRunner, SinkSpec } from './sink-runner.js';

/** How much longer than its `timeout` a sink that is replaced may take to finish its attempts, in milliseconds. */
const SLACK = 1_000;

export interface PlaceDeps {
  readonly createRunner: (spec: SinkSpec) => SinkRunner;
  /** Starts a runner on a new consumer of its sink. */
  readonly startRunner: (runner: SinkRunner, spec: SinkSpec) => void;
  /** Called when the place is empty. */
  readonly onEmpty: () => void;
}

/**
 * The place of one sink in a dispatcher: its runner, and what follows it. A runner has ended, and its consumer is closed,
 * before the next one starts. So no event is sent by both, and the events of a user stay in order.
 */
export class Place {
  readonly #deps: PlaceDeps;
  #spec: SinkSpec;
  #runner: SinkRunner;
  /** What comes after the runner that is ending. */
  #next: SinkSpec | undefined;
  #changing: Promise<void> | undefined;
  #isPaused = false;
  #isStarted = false;
  #isStopped = false;

  constructor(spec: SinkSpec, deps: PlaceDeps) {
    this.#deps = deps;
    this.#spec = spec;
    this.#runner = deps.createRunner(spec);
  }

  start(): void {
    this.#isStarted = true;
    this.#deps.startRunner(this.#runner, this.#spec);
  }

  /**
   * Ends the runner, and starts one for `spec` if that is given. Resolves when it is done; never rejects. A further call
   * before that replaces what comes after the runner that is ending.
   */
  replace(spec: SinkSpec | undefined): Promise<void> {
    const surplus = this.#next;
    this.#next = spec;
    this.#changing ??= this.#change().finally(() => {
      this.#changing = undefined;
    });
    return surplus === undefined ? this.#changing : this.#discard(surplus, this.#changing);
  }

  /** Whether a runner is ending. */
  get isChanging(): boolean {
    return this.#changing !== undefined;
  }

  setPaused(paused: boolean): void {
    this.#isPaused = paused;
    this.#runner.setPaused(paused);
  }

  /** Ends the runner for good; see `SinkRunner.stop`. What would have followed it is closed. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopped = true;
    await this.#runner.stop(graceMs);
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) await this.#discard(next, Promise.resolve());
  }

  state(): SinkState {
    return this.#runner.state();
  }

  async #change(): Promise<void> {
    await this.#runner.stop(this.#spec.config.timeout + SLACK);
    await this.#runner.released;
    const spec = this.#next;
    this.#next = undefined;
    if (this.#isStopped && spec !== undefined) return this.#discard(spec, Promise.resolve());
    if (spec === undefined) return this.#deps.onEmpty();
    this.#spec = spec;
    this.#runner = this.#deps.createRunner(spec);
    this.#runner.setPaused(this.#isPaused);
    if (this.#isStarted) this.start();
  }

  /** Closes a sink that never runs. */
  async #discard(spec: SinkSpec, then: Promise<void>): Promise<void> {
    await this.#deps.createRunner(spec).stop(0);
    await then;
  }
}
