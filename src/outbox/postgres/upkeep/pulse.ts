import { messageOf } from '../../../core/errors.js';
import type { Waiters } from '../../../core/waiters.js';
import type { Consumers } from '../lanes/consumers.js';
import type { Shared } from '../shared.js';

/** How often to look for new events that no hint has told of, in milliseconds. */
const LOOK_EVERY = 250;

/** After the last new position, its transaction may not have begun to count as running. */
const LOOKS_AFTER_NEWS = 4;

/** Renewals in one lease. */
const BEATS = 5;

/** Renews the lease of this process and looks for new events, until `signal` aborts. */
export class Pulse {
  readonly #shared: Shared;
  readonly #consumers: Consumers;
  readonly #renewals: Waiters;
  readonly #signal: AbortSignal;

  /** `renewals` are woken with each renewal. */
  constructor(shared: Shared, consumers: Consumers, renewals: Waiters, signal: AbortSignal) {
    this.#shared = shared;
    this.#consumers = consumers;
    this.#renewals = renewals;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    await Promise.all([this.#beat(), this.#look()]);
  }

  async #beat(): Promise<void> {
    const { clock, continuity, log, membership, options, totals } = this.#shared;
    const every = options.lease / BEATS;
    let failures = 0;
    let said = '';
    while (!this.#signal.aborted) {
      await clock.sleep(failures === 0 ? every : every / 3, this.#signal);
      if (this.#signal.aborted) return;
      this.#loseExpired();
      try {
        // Before it joins again, perhaps another store. Without renewals it loses its lanes.
        await continuity.check();
        if (!(await membership.beat())) {
          totals.renew();
          this.#consumers.loseAll();
        }
        this.#renewals.wake();
        await this.#consumers.balance();
        if (failures > 0) log.warn({ failures }, 'the store answers again');
        failures = 0;
        said = '';
      } catch (error) {
        if (this.#signal.aborted) return;
        const message = messageOf(error);
        if (message !== said) log.error({ err: error }, message);
        said = message;
        failures += 1;
      }
    }
  }

  async #look(): Promise<void> {
    const { clock, database, schema } = this.#shared;
    let last = '';
    let left = LOOKS_AFTER_NEWS;
    while (!this.#signal.aborted) {
      await clock.sleep(LOOK_EVERY, this.#signal);
      this.#loseExpired();
      if (this.#consumers.size === 0) continue;
      try {
        const [row] = await database.run({
          name: 'tail',
          text: `SELECT last_value FROM ${schema}.position`,
        });
        const tail = String(row?.['last_value']);
        left = tail === last ? Math.max(0, left - 1) : LOOKS_AFTER_NEWS;
        last = tail;
        if (left > 0) this.#consumers.notice(false);
      } catch {
        // The renewal of the lease reports it.
        left = LOOKS_AFTER_NEWS;
      }
    }
  }

  /** Nothing may be sent under a lease that is over, even if no renewal has failed yet. */
  #loseExpired(): void {
    const { log, membership } = this.#shared;
    if (membership.left > 0 || !this.#consumers.loseAll()) return;
    log.warn(
      {},
      'the lease of this process is over: others may have taken over its lanes, and events may be duplicated',
    );
  }
}
