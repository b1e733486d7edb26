import { Waiters } from '../../../core/waiters.js';
import { arrayText } from '../append/text.js';
import type { Shared } from '../shared.js';
import { IS_PENDING } from './pending.js';

/** The pause between two questions, in milliseconds, unless this process settles something. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 250;

/** Asks the store whether events are settled: another member may deliver them. */
export class SettledPoll {
  readonly #shared: Shared;
  readonly #settled = new Waiters();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** This process has settled something. */
  wake(): void {
    this.#settled.wake();
  }

  /** Resolves once no configured sink has one of these events pending, or when `signal` aborts. Never rejects. */
  async wait(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#shared;
    const positions = ids.filter((id) => /^\d{1,15}$/.test(id)).map(Number);
    let pause = FIRST_PAUSE;
    while (!signal.aborted && (await this.#isPending(positions))) {
      const over = new AbortController();
      const either = AbortSignal.any([signal, over.signal]);
      await Promise.race([this.#settled.wait(either), clock.sleep(pause, either)]);
      over.abort();
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  async #isPending(positions: readonly number[]): Promise<boolean> {
    if (positions.length === 0) return false;
    const { database, schema } = this.#shared;
    try {
      const rows = await database.run(
        {
          name: 'pending',
          text: `SELECT 1 FROM ${schema}.event e JOIN ${schema}.lane l ON ${IS_PENDING} JOIN ${schema}.sink s ON s.id = l.sink
            WHERE e.position = ANY($1::bigint[]) AND s.active LIMIT 1`,
        },
        [arrayText(positions)],
      );
      return rows.length > 0;
    } catch {
      return true;
    }
  }
}
