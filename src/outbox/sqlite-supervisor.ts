import type { Clock } from '../clock.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { RequestKind, Requests } from './sqlite-messages.js';
import type { StoreThread } from './sqlite-thread.js';

/** Between two tries to open a store that failed, milliseconds: opening may check the whole file. */
const REOPEN_PAUSE = 1_000;

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly startThread: () => StoreThread;
  /** Called with the position of the newest event when the store has been opened again. */
  readonly onReopened: (tail: number) => void;
}

/**
 * Keeps a store open through errors of its disk. After one the connection's state is not known, so its thread is ended
 * and the next request opens the store on a new one. Only the thread's end lets go of the file for certain: the binding
 * keeps a closed connection, and its lock, alive for as long as prepared statements wait for the garbage collector.
 */
export class StoreSupervisor {
  readonly #deps: SupervisorDeps;
  #opening: Requests['open']['request'] | undefined;
  #thread: StoreThread | undefined;
  #restarting: Promise<StoreThread> | undefined;
  #failure: { readonly error: TrackbridgeError; readonly until: number } | undefined;
  #closed = false;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
  }

  /** Opens the store for the first time; rejects as `Outbox.open` does. */
  async open(opening: Requests['open']['request']): Promise<Requests['open']['reply']> {
    const thread = this.#deps.startThread();
    try {
      const reply = await thread.call('open', opening);
      this.#opening = opening;
      this.#thread = thread;
      return reply;
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  /** One request; rejects with OUTBOX_UNAVAILABLE while the store cannot be used. */
  async call<Kind extends RequestKind>(
    kind: Kind,
    request: Requests[Kind]['request'],
  ): Promise<Requests[Kind]['reply']> {
    const thread = this.#thread?.alive === true ? this.#thread : await this.#restart();
    return thread.call(kind, request);
  }

  /** Closes the store and ends its thread. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#restarting?.catch(() => undefined);
    const thread = this.#thread;
    if (thread === undefined) return;
    try {
      if (thread.alive) await thread.call('close', null);
    } finally {
      await thread.end();
    }
  }

  /** Ends the thread without waiting for it. */
  abandon(): void {
    this.#closed = true;
    void this.#thread?.end();
  }

  #restart(): Promise<StoreThread> {
    this.#restarting ??= this.#startAgain().finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  async #startAgain(): Promise<StoreThread> {
    const now = this.#deps.clock.monotonic();
    if (this.#failure !== undefined && now < this.#failure.until) throw this.#failure.error;
    if (this.#opening === undefined) throw new TypeError('The outbox is not open');
    await this.#thread?.end();
    // Closed meanwhile: another thread would keep the file, and the process, for ever.
    if (this.#closed) throw new TrackbridgeError('DRAINING', 'The outbox is closing');
    const thread = this.#deps.startThread();
    this.#thread = thread;
    try {
      const { tail } = await thread.call('open', this.#opening);
      this.#failure = undefined;
      this.#deps.onReopened(tail);
      return thread;
    } catch (cause) {
      // For a sender a store that does not open again is one that cannot be written now, whatever the reason.
      const error = new TrackbridgeError('OUTBOX_UNAVAILABLE', messageOf(cause), {
        cause,
        retryAfter: 5 * REOPEN_PAUSE,
      });
      // From now, not from when the try began: one that reads the whole file takes longer than the pause.
      this.#failure = { error, until: this.#deps.clock.monotonic() + REOPEN_PAUSE };
      await thread.end();
      throw error;
    }
  }
}
