import type { NatsConnection } from '@nats-io/transport-node';
import { turn } from '../../core/clock.js';
import { BoundedMap } from '../kit/bounded-map.js';

/** The most subjects whose rejections are counted: more than a batch has. Senders can invent others. */
const MOST_SUBJECTS = 50_000;

/** Tracks what core NATS reports about publishes, which it does not acknowledge. */
export class NatsCore {
  readonly #connection: NatsConnection;
  readonly #refused = new BoundedMap<string, number>(MOST_SUBJECTS);
  readonly #flushing = new Set<(error: Error) => void>();
  #closed = false;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    // Both end with the connection.
    this.#listen().catch(() => {});
    connection.closed().then((error) => this.#end(error ?? new Error('closed')));
  }

  /** Returns how often the server has rejected `subject` so far for lack of permission. */
  refused(subject: string): number {
    return this.#refused.get(subject) ?? 0;
  }

  /**
   * Resolves when the server has read what was published and `refused` counts its rejections. Rejects if the connection
   * ends first, for which the driver would wait forever.
   */
  async flush(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (this.#closed) return reject(new Error('closed'));
      this.#flushing.add(reject);
      this.#connection
        .flush()
        .then(resolve, reject)
        .finally(() => this.#flushing.delete(reject));
    });
    // The driver passes rejections on a few microtasks after it has read them.
    await turn();
  }

  #end(error: Error): void {
    this.#closed = true;
    for (const reject of this.#flushing) reject(error);
  }

  async #listen(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type !== 'error') continue;
      const { subject } = status.error as { subject?: unknown };
      if (typeof subject === 'string') this.#refused.set(subject, this.refused(subject) + 1);
    }
  }
}
