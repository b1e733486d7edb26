import { TrackbridgeError } from '../errors.js';
import type { Step, StepResults } from './sqlite-messages.js';

/** What may wait for its turn. Beyond it the disk cannot keep up, and holding more would only cost memory. */
const WAITING_STEPS = 50_000;
const WAITING_CHARACTERS = 64 * 1024 * 1024;

/** What one transaction holds at most, so that none takes much longer than its fsync. */
const GROUP_STEPS = 2_000;
const GROUP_CHARACTERS = 8 * 1024 * 1024;

const RETRY_AFTER_FULL = 1_000;

interface Entry {
  readonly step: Step;
  readonly size: number;
  readonly resolve: (result: StepResults[keyof StepResults]) => void;
  readonly reject: (error: unknown) => void;
}

type Commit = (steps: readonly Step[]) => Promise<readonly StepResults[keyof StepResults][]>;

/**
 * Groups writes without a timer: one transaction is under way at a time, and all that is asked for meanwhile goes into
 * the next one. So an idle store answers at once, and a busy one shares each fsync among everybody who waits. Before a
 * group is taken the event loop handles what is ready: the deliveries that have arrived by then are in the group, not
 * behind it.
 */
export class GroupCommit {
  readonly #commit: Commit;
  /** In the order of arrival. */
  readonly #waiting = new Set<Entry>();
  #characters = 0;
  #pump: Promise<void> | undefined;

  constructor(commit: Commit) {
    this.#commit = commit;
  }

  /**
   * Resolves with the step's result once its transaction is durable. `size` is roughly its characters.
   *
   * Rejects with OUTBOX_FULL where too much waits already, with BUDGET_SPENT when `signal` aborts (a step that still
   * waits is taken back, one under way runs on), and with what the transaction failed with.
   */
  submit<Kind extends Step['kind']>(
    step: Extract<Step, { kind: Kind }>,
    size: number,
    signal?: AbortSignal,
  ): Promise<StepResults[Kind]> {
    if (signal?.aborted) return Promise.reject(spent());
    if (
      this.#waiting.size >= WAITING_STEPS ||
      (this.#waiting.size > 0 && this.#characters + size > WAITING_CHARACTERS)
    ) {
      return Promise.reject(
        new TrackbridgeError('OUTBOX_FULL', 'Too many deliveries wait for the disk; try again', {
          retryAfter: RETRY_AFTER_FULL,
        }),
      );
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        // Let go of at once: while a disk hangs, what was taken back must not pile up.
        this.#take(entry);
        reject(spent());
      };
      const entry: Entry = {
        step,
        size,
        resolve: (result) => {
          signal?.removeEventListener('abort', onAbort);
          // The results come in the order of the steps, so this one is of the step's kind.
          resolve(result as StepResults[Kind]);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(entry);
      this.#characters += size;
      this.#pump ??= this.#run();
    });
  }

  /** Resolves when nothing waits or is under way. */
  async idle(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  async #run(): Promise<void> {
    await turn();
    for (let group = this.#next(); group.length > 0; group = this.#next()) {
      await this.#write(group);
      await turn();
    }
    this.#pump = undefined;
  }

  async #write(group: readonly Entry[]): Promise<void> {
    try {
      const results = await this.#commit(group.map((entry) => entry.step));
      for (const [at, entry] of group.entries()) {
        const result = results[at];
        if (result === undefined) entry.reject(new Error('The store left a step unanswered'));
        else entry.resolve(result);
      }
    } catch (error) {
      for (const entry of group) entry.reject(error);
    }
  }

  #next(): Entry[] {
    const group: Entry[] = [];
    let characters = 0;
    for (const entry of this.#waiting) {
      if (
        group.length >= GROUP_STEPS ||
        (group.length > 0 && characters + entry.size > GROUP_CHARACTERS)
      ) {
        break;
      }
      this.#take(entry);
      group.push(entry);
      characters += entry.size;
    }
    return group;
  }

  #take(entry: Entry): void {
    if (this.#waiting.delete(entry)) this.#characters -= entry.size;
  }
}

/** Once round the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function spent(): TrackbridgeError {
  return new TrackbridgeError('BUDGET_SPENT', 'The disk did not answer in time; send it again', {
    retryAfter: RETRY_AFTER_FULL,
  });
}
