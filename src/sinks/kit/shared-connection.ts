import { within } from '../../core/clock.js';
import { SinkError } from '../sink.js';

/** A connection that is made once and ends for good. */
export interface Connection {
  /** Whether it ended by itself, so that the next delivery needs a new one. */
  readonly isOver?: boolean;
  /** Waits briefly for requests under way, then closes the connection. */
  close(): Promise<void>;
  /** Closes it at once; requests under way reject. */
  cut(): void;
}

/** A connection, and the number of deliveries under way on it. */
interface Used<T> {
  readonly connection: T;
  users: number;
}

/**
 * The connection that all lanes of a sink share. After a transient failure the next delivery opens a new connection
 * instead of relying on the driver's recovery. The old connection is closed when its last delivery has ended.
 */
export class SharedConnection<T extends Connection> {
  readonly #create: () => T;
  readonly #open = new Set<Used<T>>();
  #current: Used<T> | undefined;

  constructor(create: () => T) {
    this.#create = create;
  }

  /**
   * Runs `work` on the connection and resolves to its result. After `work` calls `retire`, the next delivery opens a
   * new connection. If `signal` aborts or `work` rejects, the connection is closed at once, since TCP may take long to
   * notice a server that hangs. An abort rejects with a retryable SinkError. Without `signal`, `work` ends by itself.
   */
  async use<R>(
    work: (connection: T, retire: () => void) => Promise<R>,
    signal?: AbortSignal,
  ): Promise<R> {
    if (signal?.aborted) throw stopped();
    if (this.#current?.connection.isOver) this.#retire(this.#current);
    this.#current ??= this.#made();
    const used = this.#current;
    used.users++;
    try {
      const working = work(used.connection, () => this.#retire(used));
      if (signal === undefined) return await working;
      return await within(working, signal, () => {
        throw stopped();
      });
    } catch (error) {
      this.#retire(used);
      used.connection.cut();
      throw error;
    } finally {
      used.users--;
      if (used !== this.#current) this.#retire(used);
    }
  }

  /** Runs `work` on a connection of its own, which is closed afterward. */
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

  #retire(used: Used<T>): void {
    if (this.#current === used) this.#current = undefined;
    if (used.users === 0) void this.#end(used);
  }

  async #end(used: Used<T>): Promise<void> {
    await used.connection.close();
    this.#open.delete(used);
  }
}

/** Returns the error of a delivery that was aborted. */
function stopped(): SinkError {
  return new SinkError('the delivery was stopped', { retryable: true });
}
