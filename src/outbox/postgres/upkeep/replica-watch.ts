import type { Database } from '../connection/database.js';
import { copiesOf } from '../replicas.js';
import type { Shared } from '../shared.js';

/** The minimum time between two lines, in milliseconds. */
const REPEAT = 60_000;

interface ReplicaWatchDeps extends Pick<Shared, 'clock' | 'log' | 'options'> {
  readonly database: Pick<Database, 'run' | 'server'>;
}

/**
 * Reports a server that acknowledges commits with fewer copies than `outbox.replicas`: a standby that was promoted may
 * have no standby of its own. Deliveries go on, since the operator has just chosen this server.
 */
export class ReplicaWatch {
  readonly #deps: ReplicaWatchDeps;
  #toldAt: number | undefined;

  constructor(deps: ReplicaWatchDeps) {
    this.#deps = deps;
  }

  async check(): Promise<void> {
    const { clock, database, log, options } = this.#deps;
    const { replicas = 1 } = options;
    if (replicas === 1) return;
    const [row] = await database.run({
      name: 'replicas',
      text: `SELECT current_setting('synchronous_standby_names') AS standbys, current_setting('synchronous_commit') AS commits`,
    });
    const copies = copiesOf(String(row?.['standbys']), String(row?.['commits']));
    if (copies >= replicas) {
      if (this.#toldAt !== undefined) log.warn({ copies }, 'events have enough copies again');
      this.#toldAt = undefined;
      return;
    }
    const now = clock.monotonic();
    if (this.#toldAt !== undefined && now - this.#toldAt < REPEAT) return;
    this.#toldAt = now;
    log.error(
      { copies, replicas },
      `the store at ${database.server} acknowledges events that ${copies === 1 ? 'only its own disk holds' : `${copies} servers hold`}, but outbox.replicas is ${replicas}; add a synchronous standby (synchronous_standby_names)`,
    );
  }
}
