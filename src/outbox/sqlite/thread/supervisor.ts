import type { Clock } from '../../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../../core/errors.js';
import type { SinkSettings } from '../../store.js';
import { DisplacedError } from '../health/presence.js';
import { DisplacedStore } from './displaced.js';
import type { RequestKind, Requests } from './messages.js';
import type { StoreThread } from './thread.js';

/**
 * The minimum time between two attempts to open a store that failed, in milliseconds: opening may check the whole file.
 */
const REOPEN_PAUSE = 1_000;

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  readonly startThread: () => StoreThread;
  /** Returns the newest position that was acknowledged. */
  readonly tail: () => number;
  /** Called with the position of the newest event when the store has been reopened. */
  readonly onReopened: (tail: number) => void;
}

interface Opening extends Omit<Requests['open']['request'], 'known'> {
  readonly id: string;
}

/**
 * Keeps a store open through disk errors. After one, the connection's state is unknown. So its thread is ended, and the
 * next request opens the store on a new one. Only the end of the thread releases the file for certain: the binding
 * keeps a closed connection, and its lock, alive for as long as prepared statements wait for the garbage collector.
 *
 * If another program removed the files, the thread stays until what it holds is saved; see DisplacedStore.
 */
export class StoreSupervisor {
  readonly #deps: SupervisorDeps;
  #opening: Opening | undefined;
  #thread: StoreThread | undefined;
  #restarting: Promise<StoreThread> | undefined;
  #displaced: DisplacedStore | undefined;
  /** The report of the last rescue, until the store is open again. An operator may have to act first. */
  #saved: string | undefined;
  #failure: { readonly error: TrackbridgeError; readonly until: number } | undefined;
  #closed = false;

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
  }

  /** Opens the store for the first time. Rejects like `Outbox.open`. */
  async open(opening: Requests['open']['request']): Promise<Requests['open']['reply']> {
    const thread = this.#deps.startThread();
    try {
      const reply = await thread.call('open', opening);
      this.#opening = { ...opening, id: reply.id };
      this.#thread = thread;
      return reply;
    } catch (error) {
      await thread.end();
      throw error;
    }
  }

  /** Makes these sinks the configured ones, also whenever the store is reopened. */
  async configure(sinks: readonly SinkSettings[]): Promise<readonly string[]> {
    const paused = await this.call('configure', sinks);
    if (this.#opening !== undefined) this.#opening = { ...this.#opening, sinks };
    return paused;
  }

  /** Sends one request. Rejects with OUTBOX_UNAVAILABLE while the store cannot be used. */
  async call<Kind extends RequestKind>(
    kind: Kind,
    request: Requests[Kind]['request'],
  ): Promise<Requests[Kind]['reply']> {
    if (this.#displaced !== undefined) {
      this.#displaced.nudge();
      throw this.#displaced.error;
    }
    const thread = this.#thread?.alive === true ? this.#thread : await this.#restart();
    try {
      return await thread.call(kind, request);
    } catch (error) {
      if (error instanceof DisplacedError && thread === this.#thread) {
        this.#displace(thread, error).nudge();
      }
      throw error;
    }
  }

  /** Closes the store and ends its thread. What a displaced store holds is saved first, if possible. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#restarting?.catch(() => undefined);
    const thread = this.#thread;
    if (thread === undefined) return;
    try {
      await this.#displaced?.try();
      // If the store is still displaced, only the thread remains to be ended.
      if (thread.alive && this.#displaced === undefined) await this.#closeStore(thread);
      const { error } = this.#displaced ?? {};
      if (error !== undefined) this.#deps.log.error({ err: error.cause ?? error }, error.message);
    } finally {
      await thread.end();
    }
  }

  async #closeStore(thread: StoreThread): Promise<void> {
    try {
      await thread.call('close', null);
    } catch (error) {
      if (!(error instanceof DisplacedError)) throw error;
      await this.#displace(thread, error).try();
    }
  }

  /** Ends the thread without waiting for it. */
  abandon(): void {
    this.#closed = true;
    void this.#thread?.end();
  }

  #displace(thread: StoreThread, error: DisplacedError): DisplacedStore {
    // A second request of the same thread meets the same error.
    this.#displaced ??= new DisplacedStore(thread, error, {
      clock: this.#deps.clock,
      log: this.#deps.log,
      onBack: () => {
        this.#displaced = undefined;
      },
      onSaved: (message) => {
        this.#displaced = undefined;
        this.#saved = message;
        // The next request reopens the store, as after a disk error.
        void thread.end();
      },
    });
    return this.#displaced;
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
    // Closed meanwhile: another thread would keep the file, and the process, open forever.
    if (this.#closed) throw new TrackbridgeError('DRAINING', 'The outbox is closing');
    const thread = this.#deps.startThread();
    this.#thread = thread;
    try {
      const { id, ...opening } = this.#opening;
      const known = { id, tail: this.#deps.tail() };
      const { tail } = await thread.call('open', { ...opening, known });
      this.#failure = undefined;
      this.#saved = undefined;
      this.#deps.onReopened(tail);
      return thread;
    } catch (cause) {
      // For a sender, a store that does not reopen is one that cannot be written now, whatever the reason.
      const error = new TrackbridgeError('OUTBOX_UNAVAILABLE', this.#saved ?? messageOf(cause), {
        cause,
        retryAfter: 5 * REOPEN_PAUSE,
      });
      // Counted from now, not from the start of the attempt: one that reads the whole file takes longer than the pause.
      this.#failure = { error, until: this.#deps.clock.monotonic() + REOPEN_PAUSE };
      await thread.end();
      throw error;
    }
  }
}
