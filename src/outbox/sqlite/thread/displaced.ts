import type { Clock } from '../../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../../core/errors.js';
import type { DisplacedError } from '../health/presence.js';
import type { Rescue } from '../health/rescue.js';
import type { StoreThread } from './thread.js';

/**
 * The minimum time between two attempts to save a displaced store, in milliseconds: one attempt may copy gigabytes
 * before it finds the disk full.
 */
const TRY_EVERY = 2_000;

export interface DisplacedDeps {
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  /** Called when the files are in their places again. The thread's connection can be used again. */
  readonly onBack: () => void;
  /**
   * Called when everything is saved. The thread may end, and the store can be reopened. `message` says where it is and
   * what to do.
   */
  readonly onSaved: (message: string) => void;
}

/**
 * A store whose files another program removed while its thread has them open. Every request fails immediately
 * meanwhile, and the thread tries to save what it holds. Success is logged here. A failure is the error of the
 * requests.
 */
export class DisplacedStore {
  readonly #thread: StoreThread;
  readonly #deps: DisplacedDeps;
  #error: TrackbridgeError;
  #trying: Promise<Rescue['state']> | undefined;
  #until = 0;

  constructor(thread: StoreThread, error: DisplacedError, deps: DisplacedDeps) {
    this.#thread = thread;
    this.#error = error;
    this.#deps = deps;
  }

  /** The error that requests fail with now. */
  get error(): TrackbridgeError {
    return this.#error;
  }

  /** Begins an attempt to save the store, unless one is in progress or was made a moment ago. */
  nudge(): void {
    if (this.#trying === undefined && this.#deps.clock.monotonic() >= this.#until) void this.try();
  }

  /** Makes one attempt and resolves to its result. Never rejects. */
  try(): Promise<Rescue['state']> {
    this.#trying ??= this.#rescue().finally(() => {
      this.#until = this.#deps.clock.monotonic() + TRY_EVERY;
      this.#trying = undefined;
    });
    return this.#trying;
  }

  async #rescue(): Promise<Rescue['state']> {
    let rescue: Rescue;
    try {
      rescue = await this.#thread.call('rescue', null);
    } catch (error) {
      // The thread has ended and closed its descriptors. The next opening deals with what is left.
      this.#deps.log.error(
        { err: error },
        'The outbox could not save the events of its deleted files',
      );
      this.#deps.onSaved(messageOf(error));
      return 'saved';
    }
    const { state, message, file } = rescue;
    if (state === 'held') {
      const cause = file === undefined ? {} : { cause: new Error(`the database is now ${file}`) };
      this.#error = new TrackbridgeError('OUTBOX_UNAVAILABLE', message, {
        ...cause,
        retryAfter: 5_000,
      });
    } else if (state === 'back') {
      this.#deps.onBack();
    } else {
      this.#deps.log.error(file === undefined ? {} : { file }, message);
      this.#deps.onSaved(message);
    }
    return state;
  }
}
