import type { Clock } from '../../core/clock.js';
import type { Replays } from './replays.js';

/** The pause between two turns while a replay runs, and otherwise, in milliseconds. */
const TURN = 100;
const IDLE = 1_000;

/** The bounds of the window: how many replayed events of a sink may be pending at once. */
const SMALLEST = 10;
const LARGEST = 1_000;

/** The turns after which a sink that has not delivered its window gets a smaller one: about a second. */
const SLOW_TURNS = 10;

/** The maximum number of steps a turn: a step may find no event that matches. */
const STEPS = 20;

interface Pace {
  window: number;
  /** Turns since the window was last filled. */
  turns: number;
}

export interface ReplayDriverDeps {
  readonly replays: Replays;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * Continues the replays of the store while the receiver runs. Each sink has a window that it can deliver in about a
 * second, so a new event never waits longer than that for replayed ones: the window doubles when the sink has emptied
 * it within a turn, and halves when it takes more than a second.
 */
export class ReplayDriver {
  readonly #deps: ReplayDriverDeps;
  readonly #paces = new Map<string, Pace>();
  #failed = false;

  constructor(deps: ReplayDriverDeps) {
    this.#deps = deps;
  }

  /** Runs until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isRunning = await this.turn().catch((err: unknown) => {
        // The store logs why it cannot be written. The next turn goes on where this one stopped.
        if (!this.#failed && !signal.aborted)
          this.#deps.log.warn({ err }, 'a replay is interrupted; it is retried');
        this.#failed = true;
        return false;
      });
      await this.#deps.clock.sleep(isRunning ? TURN : IDLE, signal);
    }
  }

  /** Continues every running replay. Resolves to whether there is one. */
  async turn(): Promise<boolean> {
    const running = (await this.#deps.replays.list()).filter(({ state }) => state === 'running');
    for (const { pending, sink } of running) await this.#advance(sink, pending);
    this.#failed = false;
    return running.length > 0;
  }

  async #advance(sink: string, pending: number): Promise<void> {
    const pace = this.#paces.get(sink) ?? { window: SMALLEST, turns: 0 };
    this.#paces.set(sink, pace);
    pace.turns += 1;
    if (pending === 0 && pace.turns === 1) pace.window = Math.min(LARGEST, pace.window * 2);
    if (pending > 0 && pace.turns >= SLOW_TURNS) {
      pace.window = Math.max(SMALLEST, Math.floor(pace.window / 2));
      pace.turns = 1;
    }
    if (pending > pace.window / 2) return;
    pace.turns = 0;
    for (let step = 0; step < STEPS; step += 1) {
      const replay = await this.#deps.replays.step(sink, pace.window);
      if (replay?.state !== 'running' || replay.pending >= pace.window) return;
    }
  }
}
