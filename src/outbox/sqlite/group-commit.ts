import { type Clock, turn } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import { SendQueue } from '../send-queue.js';
import type { Step, StepResults } from './thread/messages.js';

/** The maximum size of one transaction, so that none takes much longer than its fsync. */
const GROUP_STEPS = 2_000;
const GROUP_CHARACTERS = 8 * 1024 * 1024;

/**
 * The number of turns of the event loop without a further step after which a group is taken, and the maximum wait for
 * it in milliseconds. Senders that were answered together send their next deliveries within a few turns. Without the
 * wait a group holds half of the deliveries in progress, and twice as many transactions are needed.
 */
const QUIET_TURNS = 4;
const LONGEST_WAIT = 10;

const RETRY_AFTER = 1_000;

interface Entry {
  readonly step: Step;
  readonly size: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

type Commit = (steps: readonly Step[]) => Promise<readonly StepResults[keyof StepResults][]>;

/**
 * Groups writes without a timer: one transaction is in progress at a time, and everything submitted meanwhile goes into
 * the next one. So an idle store answers immediately, and a busy one shares each fsync among all waiting callers.
 * Before a group starts, the event loop handles what is ready until nothing more arrives: these deliveries join the
 * group instead of waiting for the next.
 */
export class GroupCommit {
  readonly #commit: Commit;
  readonly #clock: Clock;
  readonly #waiting = new SendQueue<Entry>();
  /** The group that is being written. */
  #writing: readonly Entry[] = [];
  /** The last signal listened to. Deliveries that arrive together share one. */
  #heard: AbortSignal | undefined;
  #isGivingUp = false;
  #pump: Promise<void> | undefined;

  constructor(commit: Commit, clock: Clock) {
    this.#commit = commit;
    this.#clock = clock;
  }

  /**
   * Resolves with the step's result once its transaction is durable. `size` is roughly the number of its characters.
   *
   * Rejects with OUTBOX_FULL if too many steps wait already, with BUDGET_SPENT when `signal` aborts (a waiting step is
   * withdrawn, one in progress continues), and with the error of the transaction.
   */
  submit<Kind extends Step['kind']>(
    step: Extract<Step, { kind: Kind }>,
    size: number,
    signal?: AbortSignal,
  ): Promise<StepResults[Kind]> {
    if (signal?.aborted) return Promise.reject(spent());
    return new Promise((resolve, reject) => {
      this.#waiting.checkRoom(size, 'Too many deliveries wait for the disk; retry later');
      if (signal !== this.#heard) this.#listenTo(signal);
      this.#waiting.push({ step, size, signal, resolve, reject });
      this.#pump ??= this.#run();
    });
  }

  /** Resolves when no step waits or is in progress. */
  async idle(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#arrivals();
      this.#writing = this.#waiting.take(GROUP_STEPS, GROUP_CHARACTERS);
      if (this.#writing.length > 0) await this.#write(this.#writing);
      this.#writing = [];
    }
    this.#pump = undefined;
  }

  /** Waits until no further steps arrive, within limits. */
  async #arrivals(): Promise<void> {
    const until = this.#clock.monotonic() + LONGEST_WAIT;
    for (let quiet = 0; quiet < QUIET_TURNS && this.#clock.monotonic() < until; ) {
      const before = this.#waiting.length;
      if (before >= GROUP_STEPS) return;
      await turn();
      quiet = this.#waiting.length > before ? 0 : quiet + 1;
    }
  }

  async #write(group: readonly Entry[]): Promise<void> {
    try {
      const results = await this.#commit(group.map((entry) => entry.step));
      for (const [at, entry] of group.entries()) {
        const result = results[at];
        if (result === undefined) entry.reject(new Error('The store left a step unanswered'));
        // The results are in the order of the steps, so this one has the step's kind.
        else entry.resolve(result as never);
      }
    } catch (error) {
      for (const entry of group) entry.reject(error);
    }
  }

  /** Adds one listener per signal, not per step: a signal may have hundreds of steps. */
  #listenTo(signal: AbortSignal | undefined): void {
    this.#heard = signal;
    // The same function is never added twice.
    signal?.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** Many signals may abort at once, and the steps are searched only once for all of them. */
  readonly #giveUp = (): void => {
    if (!this.#isGivingUp) queueMicrotask(() => this.#rejectAborted());
    this.#isGivingUp = true;
  };

  /** Steps that wait are withdrawn: while a disk hangs, they must not pile up. */
  #rejectAborted(): void {
    this.#isGivingUp = false;
    const isOver = ({ signal }: Entry): boolean => signal?.aborted === true;
    for (const { reject } of this.#waiting.removeAll(isOver)) reject(spent());
    for (const { reject } of this.#writing.filter(isOver)) reject(spent());
  }
}

function spent(): TrackbridgeError {
  return new TrackbridgeError(
    'BUDGET_SPENT',
    'The disk did not answer in time; retry the delivery',
    {
      retryAfter: RETRY_AFTER,
    },
  );
}
