import { printable } from '../../../core/printable.js';
import type { Shared } from '../shared.js';

/** How long a transaction may be open before it is reported, in milliseconds. */
const PATIENCE = 5_000;
/** The minimum time between two lines about the same transaction, in milliseconds. */
const REPEAT = 60_000;

/**
 * Reports the oldest transaction that writes and stays open, in any database of the server: nothing that was written
 * after it began can be delivered before it ends, since what it writes may belong before that.
 */
export class Blockers {
  readonly #shared: Shared;
  #told: { readonly who: string; readonly at: number } | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** Measures the delay. `isReporting`: also writes it to the log, which one member does. */
  async check(isReporting: boolean): Promise<void> {
    const { clock, database, log, observer } = this.#shared;
    const [row] = await database.run({
      name: 'blockers',
      text: `SELECT pid, datname, application_name, extract(epoch FROM clock_timestamp() - xact_start)::integer AS seconds
        FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
          AND xact_start < clock_timestamp() - interval '${PATIENCE} milliseconds'
        ORDER BY age(backend_xid) DESC LIMIT 1`,
    });
    observer?.readingDelayed?.(Number(row?.['seconds'] ?? 0) * 1000);
    if (!isReporting) return;
    const now = clock.monotonic();
    if (row === undefined) {
      if (this.#told !== undefined) log.warn({}, 'no open transaction delays delivery any more');
      this.#told = undefined;
      return;
    }
    const who = String(row['pid']);
    if (this.#told?.who === who && now - this.#told.at < REPEAT) return;
    this.#told = { who, at: now };
    const application = printable(String(row['application_name'] || 'without a name'), 60);
    const where = printable(String(row['datname']), 60);
    log.warn(
      { pid: Number(row['pid']), seconds: Number(row['seconds']) },
      `a transaction that has been open for ${row['seconds']} s delays delivery: process ${who} of PostgreSQL (application ${application}, database ${where}); end it with SELECT pg_terminate_backend(${who})`,
    );
  }
}
