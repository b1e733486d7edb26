import { messageOf, TrackbridgeError } from '../../../core/errors.js';
import type { DeadLetters } from '../entries/dead-letters.js';
import type { Quarantine } from '../entries/quarantine.js';
import { boundExchange, type PostgresExchange } from '../exchange.js';
import type { Consumers } from '../lanes/consumers.js';
import { readSegments, type Segment } from '../lanes/reader.js';
import type { Shared } from '../shared.js';
import { readSinks } from '../sinks/registration.js';
import { Blockers } from './blockers.js';
import { foldMembers } from './fold.js';
import { rotateGenerations } from './generations.js';
import { relieveSinks } from './relief.js';
import { ReplicaWatch } from './replica-watch.js';
import { keepSegments } from './segments.js';

const EVERY = 1_000;

export interface UpkeepDeps {
  readonly shared: Shared;
  readonly consumers: Consumers;
  readonly deadLetters: DeadLetters;
  readonly quarantine: Quarantine;
  readonly exchange: PostgresExchange | undefined;
  /** Called when another process has paused or resumed a sink. */
  readonly onPaused: ((sink: string, paused: boolean) => void) | undefined;
}

/** Keeps the store within its limits, and this process informed of what others have changed. */
export class Upkeep {
  readonly #deps: UpkeepDeps;
  readonly #blockers: Blockers;
  readonly #replicas: ReplicaWatch;
  #segments: readonly Segment[] = [];
  #relieving: Promise<void> | undefined;

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
    this.#blockers = new Blockers(deps.shared);
    this.#replicas = new ReplicaWatch(deps.shared);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Reads what other members may have changed. */
  async learn(): Promise<void> {
    const { exchange, onPaused, shared } = this.#deps;
    const { backlogs, database, membership, schema, totals } = shared;
    const known = await readSinks(database, schema);
    for (const { name, paused } of known.values()) {
      const before = backlogs.get(name)?.paused ?? paused;
      if (before !== paused) onPaused?.(name, paused);
    }
    backlogs.know(known);
    this.#segments = await readSegments(shared);
    await totals.refresh();
    await membership.learn();
    await exchange?.learn(database);
    backlogs.report();
  }

  /** Drops dead letters above their bounds. Never rejects. */
  async keepBounds(): Promise<void> {
    await this.#deps.deadLetters.keepBounds().catch(() => undefined);
  }

  /** Applies `full` to the sinks whose backlogs are above their limits, unless it is `refuse`. Never rejects. */
  relieve(): Promise<void> {
    this.#relieving ??= this.#relieveNow().finally(() => {
      this.#relieving = undefined;
    });
    return this.#relieving;
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, losses } = this.#deps.shared;
    while (!signal.aborted) {
      await clock.sleep(EVERY, signal);
      if (signal.aborted) return;
      losses.check();
      try {
        await this.#turn();
      } catch (error) {
        if (signal.aborted) return;
        // The renewal of the lease reports a store that does not answer.
        if (error instanceof TrackbridgeError && error.code === 'OUTBOX_UNAVAILABLE') continue;
        log.error({ err: error }, `the upkeep of the store failed: ${messageOf(error)}`);
      }
    }
  }

  async #turn(): Promise<void> {
    const { deadLetters, quarantine, shared } = this.#deps;
    const { database, options, schema } = shared;
    await this.learn();
    await this.relieve();
    // One member a turn.
    const turn = await database.run(
      `UPDATE ${schema}.store SET swept_at = clock_timestamp()
        WHERE swept_at < clock_timestamp() - interval '900 milliseconds' RETURNING id`,
    );
    await this.#blockers.check(turn.length > 0);
    if (turn.length === 0) return;
    await this.#replicas.check();
    await rotateGenerations(shared);
    await keepSegments(shared);
    await foldMembers(shared);
    await deadLetters.keepBounds();
    await quarantine.dropOld();
    const { recordings } = options;
    if (recordings !== undefined) await boundExchange(database, schema, recordings);
  }

  async #relieveNow(): Promise<void> {
    const { consumers, shared } = this.#deps;
    try {
      await relieveSinks(shared, ({ limit, name }, { events, upTo }) => {
        consumers.forget(name, upTo);
        const what = limit.full === 'dead-letter' ? 'dead-lettered' : 'discarded';
        shared.losses.note({ what, name }, events);
      });
    } catch {
      // The next turn tries again, and the renewal of the lease reports a store that does not answer.
    }
    await this.keepBounds();
  }
}
