import { turn } from '../../../core/clock.js';
import { TrackbridgeError } from '../../../core/errors.js';
import type { Appended, NewDelivery } from '../../intake.js';
import { SendQueue } from '../../send-queue.js';

/** The maximum size of one transaction. */
const GROUP_DELIVERIES = 1_000;
const GROUP_CHARACTERS = 4 * 1024 * 1024;

const RETRY_AFTER = 1_000;

/** The outcomes of a delivery, or why it was not appended. */
export type Outcome = readonly Appended[] | TrackbridgeError;

interface Entry {
  readonly delivery: NewDelivery;
  readonly size: number;
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Writes deliveries in one transaction and resolves to an outcome for each. */
type Write = (deliveries: readonly NewDelivery[]) => Promise<readonly Outcome[]>;

/**
 * Groups deliveries without a timer: one transaction is in progress at a time, and everything that arrives meanwhile
 * goes into the next one.
 */
export class AppendQueue {
  readonly #write: Write;
  readonly #waiting = new SendQueue<Entry>();
  #pump: Promise<void> | undefined;

  constructor(write: Write) {
    this.#write = write;
  }

  submit(delivery: NewDelivery, size: number, signal?: AbortSignal): Promise<readonly Appended[]> {
    if (signal?.aborted) return Promise.reject(spent());
    return new Promise((resolve, reject) => {
      this.#waiting.checkRoom(size, 'Too many deliveries wait for the store; retry later');
      const onAbort = (): void => {
        this.#waiting.remove(entry);
        reject(spent());
      };
      const settled = (): void => signal?.removeEventListener('abort', onAbort);
      const entry: Entry = {
        delivery,
        size,
        resolve: (appended) => {
          settled();
          resolve(appended);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(entry);
      this.#pump ??= this.#run();
    });
  }

  /** Resolves when nothing waits or is in progress. */
  async idle(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  async #run(): Promise<void> {
    await turn();
    for (let group = this.#next(); group.length > 0; group = this.#next()) {
      await this.#commit(group);
      await turn();
    }
    this.#pump = undefined;
  }

  async #commit(group: readonly Entry[]): Promise<void> {
    try {
      const outcomes = await this.#write(group.map(({ delivery }) => delivery));
      for (const [at, entry] of group.entries()) {
        const outcome = outcomes[at];
        if (outcome === undefined) entry.reject(new Error('The store left a delivery unanswered'));
        else if (outcome instanceof TrackbridgeError) entry.reject(outcome);
        else entry.resolve(outcome);
      }
    } catch (error) {
      for (const entry of group) entry.reject(error);
    }
  }

  #next(): Entry[] {
    return this.#waiting.take(GROUP_DELIVERIES, GROUP_CHARACTERS);
  }
}

function spent(): TrackbridgeError {
  return new TrackbridgeError(
    'BUDGET_SPENT',
    'The store did not answer in time; retry the delivery',
    { retryAfter: RETRY_AFTER },
  );
}
