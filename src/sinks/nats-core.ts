import { setImmediate } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';

/** What core NATS tells of publishes that nobody answers. */
export class NatsCore {
  readonly #connection: NatsConnection;
  readonly #refused = new Map<string, number>();
  readonly #flushing = new Set<(error: Error) => void>();
  #closed = false;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    // Both end with the connection.
    this.#listen().catch(() => {});
    connection.closed().then((error) => this.#end(error ?? new Error('closed')));
  }

  /** How often the server refused `subject` so far, for lack of a right. */
  refused(subject: string): number {
    return this.#refused.get(subject) ?? 0;
  }

  /**
   * Resolves when the server has read what was published, and `refused` counts what it said to that; rejects where the
   * connection ends first, for which the driver would wait for ever.
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
    // The driver passes refusals on a few microtasks after it has read them.
    await setImmediate();
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
