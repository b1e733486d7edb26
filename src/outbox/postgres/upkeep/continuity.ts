import { TrackbridgeError } from '../../../core/errors.js';
import type { Database } from '../connection/database.js';
import { RETRY_AFTER } from '../connection/failure.js';

export interface ContinuityDeps {
  readonly database: Database;
  /** A quoted identifier. */
  readonly schema: string;
  /** The id of the store that this process has opened. */
  readonly id: string;
  /** Whether the server loses nothing that it has acknowledged. */
  readonly isDurable: boolean;
}

/**
 * Notices that the store is another one than this process has opened, or an older copy of it. This process remembers
 * transaction ids and positions of the former store: with them it would skip events of the latter. So it accepts and
 * delivers nothing more until it is started again.
 */
export class Continuity {
  readonly #deps: ContinuityDeps;
  /** The highest position of a committed event that this process knows. */
  #highest = 0;
  #damage: TrackbridgeError | undefined;

  constructor(deps: ContinuityDeps) {
    this.#deps = deps;
  }

  /** An event at this position is committed. */
  saw(position: number): void {
    if (position > this.#highest) this.#highest = position;
  }

  /** Throws OUTBOX_CORRUPT once a check has failed. */
  assert(): void {
    if (this.#damage !== undefined) throw this.#damage;
  }

  /** Compares the store with what this process knows. Throws OUTBOX_CORRUPT. */
  async check(): Promise<void> {
    this.assert();
    const { database, id, isDurable, schema } = this.#deps;
    // Read before the store is: positions only grow.
    const highest = this.#highest;
    const [store] = await database.run({
      name: 'continuity',
      text: `SELECT s.id, p.last_value FROM ${schema}.store s, ${schema}.position p`,
    });
    if (store?.['id'] !== id) this.#fail('is another one than this process has opened');
    // A server with `synchronous_commit` off forgets positions in a crash.
    if (isDurable && Number(store?.['last_value']) < highest) {
      this.#fail(`is an older copy: it does not know position ${highest}`);
    }
  }

  #fail(what: string): never {
    const message = `The store at ${this.#deps.database.server} ${what}; restore the newest one, or restart every member to go on with this one`;
    this.#damage = new TrackbridgeError('OUTBOX_CORRUPT', message, { retryAfter: RETRY_AFTER });
    throw this.#damage;
  }
}
