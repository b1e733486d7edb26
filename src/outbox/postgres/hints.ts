import type { Clock } from '../../core/clock.js';
import type { Database, Session } from './connection/database.js';
import { quotedIdentifier } from './schema/migrate.js';

/** At most one hint in this time, in milliseconds: the server writes them one after the other. */
const PAUSE = 20;
/** The pause before a lost connection is opened again, in milliseconds. */
const RECONNECT = 1_000;

/** The hint that the exchange has news. Any other hint tells of events. */
export const NEWS = 'exchange';

/**
 * Tells the other members that events were written, and hears it from them. It is a hint: who misses it finds the events
 * a moment later.
 */
export class Hints {
  readonly #database: Database;
  readonly #clock: Clock;
  /** A quoted identifier. */
  readonly channel: string;
  readonly #onHint: (hint: string) => void;
  readonly #stopped = new AbortController();
  #session: Session | undefined;
  #isDue = false;
  #sending: Promise<void> | undefined;

  constructor(database: Database, schema: string, clock: Clock, onHint: (hint: string) => void) {
    this.#database = database;
    this.#clock = clock;
    // An identifier has 63 bytes at most.
    this.channel = quotedIdentifier(`trackbridge ${schema}`.slice(0, 60));
    this.#onHint = onHint;
  }

  /** Connects, and connects again after a failure, until it is stopped. */
  async run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const lost = new AbortController();
      try {
        const session = await this.#database.dedicated(this.#onHint, () => lost.abort());
        // Nothing depends on a hint, so nobody waits for its way to the disk.
        await session.run('SET synchronous_commit = off');
        await session.run(`LISTEN ${this.channel}`);
        this.#session = session;
        this.#onHint('');
        await this.#clock.sleep(Number.POSITIVE_INFINITY, AbortSignal.any([signal, lost.signal]));
      } catch {
        // The statements of the outbox meet the same failure and report it.
      }
      this.#session = undefined;
      await this.#clock.sleep(RECONNECT, signal);
    }
  }

  /** Sends a hint soon. */
  send(): void {
    this.#isDue = true;
    this.#sending ??= this.#sendDue().finally(() => {
      this.#sending = undefined;
    });
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #sendDue(): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#isDue && !signal.aborted) {
      this.#isDue = false;
      await this.#session?.run(`NOTIFY ${this.channel}`).catch(() => undefined);
      await this.#clock.sleep(PAUSE, signal);
    }
  }
}
