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
  /**
   * In the order of arrival. Not a Set: one that never stops filling and emptying leaves a chain of its former tables
   * behind, and from the first of them that grew old on, the collector keeps everything that ever stood in one.
   */
  #waiting: Entry[] = [];
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
      this.#waiting.length >= WAITING_STEPS ||
      (this.#waiting.length > 0 && this.#characters + size > WAITING_CHARACTERS)
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
        this.#takeBack(entry);
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
      this.#waiting.push(entry);
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
    let count = 0;
    let characters = 0;
    for (const { size } of this.#waiting) {
      if (count >= GROUP_STEPS || (count > 0 && characters + size > GROUP_CHARACTERS)) break;
      count += 1;
      characters += size;
    }
    this.#characters -= characters;
    return this.#waiting.splice(0, count);
  }

  /** Those that came first are also late first, so the search ends soon. */
  #takeBack(entry: Entry): void {
    const at = this.#waiting.indexOf(entry);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#characters -= entry.size;
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
