import { withinTime } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { Waiters } from '../../core/waiters.js';
import type { DeadLetterStore, QuarantineStore } from '../entries.js';
import type { Consumer } from '../feed.js';
import type { AcceptedEvent, Appended, NewDelivery, NewEvent, RequeuedFor } from '../intake.js';
import { outboxFull } from '../limits.js';
import { LossReport } from '../loss-report.js';
import type { Outbox, OutboxDeps } from '../outbox.js';
import type { Role } from '../role.js';
import type { MemberState, OutboxStats } from '../statistics.js';
import type { SinkSettings } from '../store.js';
import { unknownSink } from '../unknown-sink.js';
import { Appender, appendedOf } from './append/appender.js';
import { problemOf, readServer } from './check.js';
import { closing, Database } from './connection/database.js';
import { RETRY_AFTER } from './connection/failure.js';
import { DeadLetters } from './entries/dead-letters.js';
import { rowOf } from './entries/page.js';
import { missingEntry, Quarantine } from './entries/quarantine.js';
import { Requeuer } from './entries/requeue.js';
import { PostgresExchange } from './exchange.js';
import { Hints, NEWS } from './hints.js';
import { PostgresConsumer } from './lanes/consumer.js';
import { Consumers } from './lanes/consumers.js';
import { SettledPoll } from './lanes/settled-poll.js';
import { Membership } from './members.js';
import type { PostgresOptions } from './options.js';
import { migrate, quotedIdentifier } from './schema/migrate.js';
import { Backlogs, type Shared } from './shared.js';
import { readSinks, register, registerAgain } from './sinks/registration.js';
import { readStats } from './statistics.js';
import { Totals } from './totals.js';
import { Continuity } from './upkeep/continuity.js';
import { foldMembers } from './upkeep/fold.js';
import { rotateGenerations } from './upkeep/generations.js';
import { Pulse } from './upkeep/pulse.js';
import { purgeSink } from './upkeep/relief.js';
import { Upkeep } from './upkeep/upkeep.js';

/** The maximum number of connections of a process, besides the one for hints. */
const CONNECTIONS = 8;

/** How long a probe waits for the store, in milliseconds. */
const PROBE_PATIENCE = 2_000;

export interface PostgresDeps extends OutboxDeps {
  /** Default: `all`. */
  readonly role?: Role;
  /** How other members and the log call this process. */
  readonly member?: string;
  /** Called when another process has paused or resumed a sink. */
  readonly onPaused?: (sink: string, paused: boolean) => void;
}

/** The outbox of any number of processes on any number of machines, in one PostgreSQL database. */
export class PostgresOutbox implements Outbox {
  readonly #options: PostgresOptions;
  readonly #deps: PostgresDeps;
  readonly #database: Database;
  readonly #losses: LossReport;
  readonly #consumers = new Consumers();
  readonly #renewals = new Waiters();
  readonly #stopped = new AbortController();
  readonly #hints: Hints;
  readonly exchange?: PostgresExchange;
  #parts: Parts | undefined;
  #sinks: readonly string[] = [];
  #state: 'new' | 'open' | 'closed' = 'new';
  #id = '';
  #loops: readonly Promise<void>[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: PostgresOptions, deps: PostgresDeps) {
    const { clock, log, observer } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#losses = new LossReport(clock, log, observer);
    this.#database = new Database(options.url, CONNECTIONS, 'trackbridge', clock);
    this.#hints = new Hints(this.#database, options.schema, clock, (hint) => {
      if (hint === NEWS) void this.exchange?.learn(this.#database).catch(() => undefined);
      else this.#consumers.notice(false);
    });
    const { recordings, schema, url } = options;
    if (recordings !== undefined && recordings.max > 0) {
      const { channel } = this.#hints;
      const { member = '' } = deps;
      this.exchange = new PostgresExchange({ url, schema, channel, member, clock });
    }
  }

  get id(): string {
    return this.#id;
  }

  get receivers(): number {
    return this.#parts?.shared.membership.receivers ?? 1;
  }

  async open(sinks: readonly SinkSettings[]): Promise<void> {
    if (this.#state !== 'new') throw new TypeError('The outbox is already open');
    try {
      await this.#open(sinks);
    } catch (error) {
      this.#state = 'closed';
      await this.#database.close();
      if (error instanceof TrackbridgeError && error.code !== 'OUTBOX_UNAVAILABLE') throw error;
      throw new TrackbridgeError('START_FAILED', messageOf(error), { cause: error });
    }
    this.#state = 'open';
    const { shared, upkeep } = this.#opened();
    const { signal } = this.#stopped;
    const pulse = new Pulse(shared, this.#consumers, this.#renewals, signal);
    this.#loops = [pulse.run(), upkeep.run(signal), this.#hints.run()];
  }

  async append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]> {
    const { appender, shared } = this.#opened();
    shared.continuity.assert();
    return appender.append(delivery, signal);
  }

  async requeue(
    events: readonly AcceptedEvent[],
    sinks: readonly string[],
  ): Promise<readonly RequeuedFor[]> {
    return this.#opened().requeuer.requeue(events, sinks);
  }

  consumer(sink: string, lanes: number): Consumer {
    const { settled, shared, upkeep } = this.#opened();
    const known = shared.backlogs.get(sink);
    if (this.#consumers.has(sink)) throw new TypeError(`The sink ${sink} already has a consumer`);
    if (known === undefined) throw new TypeError(`The outbox was not opened for the sink ${sink}`);
    const consumer = new PostgresConsumer(known.id, lanes, {
      shared,
      clock: this.#deps.clock,
      renewals: this.#renewals,
      segments: () => upkeep.segments,
      onSettled: () => settled.wake(),
      onBuried: () => upkeep.keepBounds(),
      onClose: () => this.#consumers.remove(sink),
    });
    this.#consumers.add(sink, consumer);
    return consumer;
  }

  settled(ids: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.#parts === undefined || this.#sinks.length === 0) return Promise.resolve();
    return this.#parts.settled.wait(ids, AbortSignal.any([signal, this.#stopped.signal]));
  }

  async configure(sinks: readonly SinkSettings[]): Promise<readonly string[]> {
    const { shared } = this.#opened();
    const registered = await registerAgain(sinks, this.#sinks, shared);
    for (const line of registered.said) this.#deps.log.warn({}, line);
    this.#sinks = sinks.map(({ name }) => name);
    shared.backlogs.know(registered.sinks);
    return sinks.flatMap(({ name }) => (registered.sinks.get(name)?.paused ? [name] : []));
  }

  async setPaused(name: string, paused: boolean): Promise<void> {
    const { shared } = this.#opened();
    const rows = await shared.database.run(
      `UPDATE ${shared.schema}.sink SET paused = $2 WHERE name = $1 AND active RETURNING id`,
      [name, paused],
    );
    if (rows.length === 0) throw unknownSink();
  }

  async purge(name: string): Promise<number> {
    const { shared } = this.#opened();
    const sink = (await readSinks(shared.database, shared.schema)).get(name);
    if (sink === undefined) throw unknownSink();
    const { events, upTo } = await purgeSink(shared, sink);
    this.#consumers.forget(name, upTo);
    this.#losses.purged(name, events);
    return events;
  }

  async stats(): Promise<OutboxStats> {
    const { quarantine, shared } = this.#opened();
    this.#losses.check();
    return readStats(shared, quarantine);
  }

  async members(): Promise<readonly MemberState[]> {
    const { membership } = this.#opened().shared;
    return membership.list(this.#database);
  }

  async probe(): Promise<void> {
    const { shared } = this.#opened();
    const { clock } = this.#deps;
    shared.continuity.assert();
    // A write, since a full disk and a standby still answer reads.
    const probed = shared.totals
      .ensure()
      .then(() =>
        shared.database.run(
          `UPDATE ${shared.schema}.member SET beat_at = clock_timestamp() WHERE id = $1`,
          [shared.membership.id],
        ),
      );
    const state = await withinTime(probed, PROBE_PATIENCE, clock, () => 'stalled' as const);
    if (state === 'stalled') {
      const message = `The store at ${shared.database.server} does not answer`;
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', message, { retryAfter: RETRY_AFTER });
    }
    const full = shared.backlogs.refusing(1);
    if (full.length > 0) throw outboxFull(full);
  }

  readonly deadLetters: DeadLetterStore = {
    list: async (filter) => this.#opened().deadLetters.list(filter),
    get: async (id) => this.#opened().deadLetters.get(id),
    purge: async (ids) => this.#opened().deadLetters.purge(ids),
    requeue: async (ids) => this.#opened().deadLetters.requeue(ids),
  };

  readonly quarantine: QuarantineStore = {
    list: async (filter) => this.#opened().quarantine.list(filter),
    get: async (id) => this.#opened().quarantine.get(id),
    purge: async (ids) => this.#opened().quarantine.purge(ids),
    accept: async (id, event) => this.#accept(id, event),
  };

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(sinks: readonly SinkSettings[]): Promise<void> {
    const { clock, log, member = '', observer, onPaused, role = 'all' } = this.#deps;
    const options = this.#options;
    const database = this.#database;
    const problem = problemOf(await readServer(database, options.schema), options);
    if (problem !== undefined) throw new TrackbridgeError('START_FAILED', `outbox: ${problem}`);
    const { id, partitions } = await migrate(database, options.schema, options.partitions);
    this.#id = id;
    const schema = quotedIdentifier(options.schema);
    const { lease } = options;
    const membership = new Membership({ database, schema, clock, log, name: member, role, lease });
    const totals = new Totals(database, schema);
    const isDurable = options.durability === 'full';
    const continuity = new Continuity({ database, schema, id, isDurable });
    const shared: Shared = {
      database,
      schema,
      options,
      partitions,
      clock,
      log,
      observer,
      losses: this.#losses,
      membership,
      continuity,
      totals,
      backlogs: new Backlogs(totals, log),
      generation: 0,
      onWritten: (tail) => {
        continuity.saw(tail);
        this.#consumers.notice(true);
        this.#hints.send();
      },
      relieve: async () => this.#parts?.upkeep.relieve(),
    };
    await foldMembers(shared);
    const sent = clock.monotonic();
    const said = await register(sinks, { database, schema, options, membership, partitions });
    membership.confirm(sent);
    for (const line of said) log.warn({}, line);
    const quarantine = new Quarantine(shared);
    const requeuer = new Requeuer(shared);
    const deadLetters = new DeadLetters(shared, requeuer);
    const consumers = this.#consumers;
    const { exchange } = this;
    const upkeep = new Upkeep({
      shared,
      consumers,
      deadLetters,
      quarantine,
      exchange,
      onPaused,
    });
    this.#parts = {
      shared,
      quarantine,
      requeuer,
      appender: new Appender(shared, quarantine),
      deadLetters,
      settled: new SettledPoll(shared),
      upkeep,
    };
    this.#sinks = sinks.map(({ name }) => name);
    await upkeep.learn();
    await rotateGenerations(shared);
  }

  /** Accepts the event that a quarantined entry has become, and removes the entry, as one step. */
  async #accept(id: string, event: NewEvent): Promise<Appended> {
    const { appender, quarantine, requeuer, shared } = this.#opened();
    const { backlogs, database, schema, totals } = shared;
    await totals.ensure();
    // The event arrives now.
    const arrived: NewEvent = { ...event, receivedAt: this.#deps.clock.now() };
    const position = await database.transact(async (session) => {
      await requeuer.begin(session);
      const [entry] = await session.run(
        `SELECT id FROM ${schema}.quarantine WHERE id = $1 FOR UPDATE`,
        [rowOf(id)],
      );
      if (entry === undefined) throw missingEntry();
      const [first = null] = await appender.appendIn(session, [arrived], 'other');
      const full = first === null ? [] : backlogs.refusing(1);
      if (full.length > 0) throw outboxFull(full);
      await quarantine.remove(session, 'id = $1', [rowOf(id)]);
      return first;
    });
    totals.accepted(position === null ? 0 : 1, position === null ? 1 : 0);
    if (position !== null) shared.onWritten(position);
    return appendedOf(position);
  }

  async #close(): Promise<void> {
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    this.#stopped.abort();
    this.#hints.stop();
    if (!wasOpen || this.#parts === undefined) return;
    const { appender, shared } = this.#parts;
    const finish = async (): Promise<void> => {
      await appender.idle();
      await this.#consumers.close();
      await shared.membership.leave();
    };
    const finished = finish().then(
      () => undefined,
      (error: unknown) => error,
    );
    const { clock, log } = this.#deps;
    const problem = await withinTime(finished, PROBE_PATIENCE, clock, () => 'late' as const);
    await Promise.all([this.#database.close(), this.exchange?.close()]);
    await Promise.allSettled(this.#loops);
    if (problem === undefined) return;
    // Nothing acknowledged depends on it: others take the lanes when the lease is over.
    log.warn(
      problem === 'late' ? {} : { err: problem },
      'this process could not leave the store cleanly; others wait for the end of its lease',
    );
  }

  #opened(): Parts {
    if (this.#state === 'closed') throw closing();
    if (this.#parts === undefined) throw new TypeError('The outbox is not open');
    return this.#parts;
  }
}

/** What an open outbox is made of. */
interface Parts {
  readonly shared: Shared;
  readonly appender: Appender;
  readonly requeuer: Requeuer;
  readonly quarantine: Quarantine;
  readonly deadLetters: DeadLetters;
  readonly settled: SettledPoll;
  readonly upkeep: Upkeep;
}
