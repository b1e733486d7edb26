import { within } from '../clock.js';
import { SinkError } from './sink.js';

/** A connection that is made once and ends for good. */
export interface Connection {
  /** Ends what is under way if it ends soon, then cuts the rest. */
  close(): Promise<void>;
  /** Cuts it at once; what is under way rejects. */
  cut(): void;
}

/** A connection, and how many deliveries are under way on it. */
interface Used<T> {
  readonly connection: T;
  users: number;
}

/**
 * The connection that all lanes of a sink share. After a failure that may pass the next delivery connects anew, instead of
 * relying on how a driver recovers; the old connection is closed when the last delivery on it has ended.
 */
export class SharedConnection<T extends Connection> {
  readonly #create: () => T;
  readonly #open = new Set<Used<T>>();
  #current: Used<T> | undefined;

  constructor(create: () => T) {
    this.#create = create;
  }

  /**
   * Runs `work` on the connection and resolves to what it does. `isSound` says by the result whether the connection may be
   * kept. When `signal` aborts, or `work` rejects, the connection is cut, since a server that hangs may do so for as long
   * as TCP takes to notice; an abort rejects with a SinkError that may be tried again.
   */
  async use<R>(
    work: (connection: T) => Promise<R>,
    signal: AbortSignal,
    isSound: (result: R) => boolean,
  ): Promise<R> {
    if (signal.aborted) throw stopped();
    this.#current ??= this.#made();
    const used = this.#current;
    used.users++;
    const dismiss = (): void => {
      if (this.#current === used) this.#current = undefined;
    };
    try {
      const result = await within(work(used.connection), signal, stopped);
      if (!isSound(result)) dismiss();
      return result;
    } catch (error) {
      dismiss();
      used.connection.cut();
      throw error;
    } finally {
      used.users--;
      if (used !== this.#current && used.users === 0) void this.#end(used);
    }
  }

  /** Runs `work` on a connection of its own, which ends with it. */
  async once<R>(work: (connection: T) => Promise<R>): Promise<R> {
    const used = this.#made();
    try {
      return await work(used.connection);
    } finally {
      await this.#end(used);
    }
  }

  async close(): Promise<void> {
    this.#current = undefined;
    await Promise.all([...this.#open].map((used) => this.#end(used)));
  }

  #made(): Used<T> {
    const used = { connection: this.#create(), users: 0 };
    this.#open.add(used);
    return used;
  }

  async #end(used: Used<T>): Promise<void> {
    await used.connection.close();
    this.#open.delete(used);
  }
}

/** Says that a delivery was told to stop. */
export function stopped(): SinkError {
  return new SinkError('the delivery was stopped', { retryable: true });
}
