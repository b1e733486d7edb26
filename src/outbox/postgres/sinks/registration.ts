import { TrackbridgeError } from '../../../core/errors.js';
import { limitsOf, type SinkLimit } from '../../limits.js';
import { lineAtStart } from '../../start.js';
import type { SinkSettings } from '../../store.js';
import type { Database, Session } from '../connection/database.js';
import type { Membership } from '../members.js';
import type { PostgresOptions } from '../options.js';
import { noTotals, readSums, type SinkTotals } from '../totals.js';
import { beginSink, oldestOf } from './begin.js';

/** A sink as the store knows it. */
export interface StoredSink {
  readonly id: number;
  readonly name: string;
  readonly active: boolean;
  readonly paused: boolean;
  readonly limit: SinkLimit;
  readonly baseline: number;
  /** The option `start` as last applied or noticed. */
  readonly start: string;
}

export interface RegistrationDeps {
  readonly database: Database;
  readonly schema: string;
  readonly options: PostgresOptions;
  readonly membership: Membership;
  readonly partitions: number;
}

/** What members compare: the options of the outbox and of each sink that all of them must agree on. */
interface Settings {
  readonly outbox: Readonly<Record<string, string>>;
  readonly sinks: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Registers this process and its sinks, as one step. A sink that is new to the store starts with the next event, and one
 * that no member had before resumes where it stopped, unless its `start` says otherwise. A sink
 * that this process does not have stays active as long as another member has it. Resolves to lines for the operator.
 * Throws START_FAILED if a live member has other settings.
 */
export function register(
  sinks: readonly SinkSettings[],
  deps: RegistrationDeps,
): Promise<readonly string[]> {
  return enter(sinks, deps, undefined, async (session, settings, others) => {
    for (const other of others) {
      const option = differenceOf(settings, other, deps.membership.role);
      if (option !== undefined) throw differs(option, other.member);
    }
    await deps.membership.join(session, JSON.stringify(settings));
    return [];
  });
}

/** What a registration has changed. */
export interface Registered {
  /** Lines for the operator. */
  readonly said: readonly string[];
  /** All sinks of the store, by name. */
  readonly sinks: ReadonlyMap<string, StoredSink>;
}

/**
 * Registers other sinks of this process, which is a member with the sinks `before`. Members are reloaded one after the
 * other, so what differs from a live member is only reported.
 */
export async function registerAgain(
  sinks: readonly SinkSettings[],
  before: readonly string[],
  deps: RegistrationDeps,
): Promise<Registered> {
  const { membership, options, schema } = deps;
  let known: ReadonlyMap<string, StoredSink> = new Map();
  const said = await enter(sinks, deps, before, async (session, settings, others) => {
    await membership.change(session, JSON.stringify(settings));
    known = await readSinks(session, schema);
    return others.flatMap((other) => {
      const option = differenceOf(settings, other, membership.role);
      if (option === undefined) return [];
      return [`${option} differs from that of member ${other.member}; reload that member as well`];
    });
  });
  membership.changed(JSON.stringify(settingsOf(sinks, options)));
  return { said, sinks: known };
}

/**
 * Enters these sinks, as one step with what `admit` does. Lines for the operator are about all sinks, or about those
 * that `before`, the sinks of a member so far, has not or has alone.
 */
function enter(
  sinks: readonly SinkSettings[],
  deps: RegistrationDeps,
  before: readonly string[] | undefined,
  admit: (
    session: Session,
    settings: Settings,
    others: readonly OtherSettings[],
  ) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const { database, membership, options, schema } = deps;
  return database.transact(async (session) => {
    // Appends hold a weaker lock until they are committed. So what is accepted so far is settled for new sinks, and
    // every later event has a later transaction.
    await session.run(`LOCK TABLE ${schema}.event IN SHARE ROW EXCLUSIVE MODE`);
    await session.run(`LOCK TABLE ${schema}.member IN SHARE ROW EXCLUSIVE MODE`);
    const settings = settingsOf(sinks, options);
    const others = await liveSettings(session, schema, membership.id);
    const { accepted, sinks: totals } = await readSums(session, schema);
    const known = await readSinks(session, schema);
    const limits = limitsOf(sinks, options.maxPending);
    const elsewhere = new Set(others.flatMap((other) => Object.keys(other.settings.sinks)));
    const said: (string | undefined)[] = [];
    for (const sink of known.values()) {
      if (limits.has(sink.name)) continue;
      const isElsewhere = elsewhere.has(sink.name);
      const { missed, pending } = standing(sink, accepted, totals);
      const state = isElsewhere ? 'elsewhere' : 'removed';
      const line = lineAtStart({ ...sink, state, missed, pending, start: undefined, known: '' });
      if (before === undefined || before.includes(sink.name)) said.push(line);
      if (isElsewhere || !sink.active) continue;
      await session.run(`UPDATE ${schema}.sink SET active = false WHERE id = $1`, [sink.id]);
    }
    for (const { name, start } of sinks) {
      const limit = limits.get(name);
      if (limit === undefined) continue;
      const stored = known.get(name);
      const isNew = stored === undefined;
      const sink = stored ?? (await createSink(session, deps, name, limit, accepted));
      const { missed, pending } = standing(sink, accepted, totals);
      const begins = isNew || !sink.active;
      const beginning =
        begins && start !== undefined
          ? await beginSink(session, schema, { id: sink.id, limit, pending }, start)
          : undefined;
      await session.run(
        `UPDATE ${schema}.sink SET active = true, max_pending = $2, full_policy = $3, start = $4 WHERE id = $1`,
        [sink.id, limit.maxPending, limit.full, start?.option ?? ''],
      );
      // Nobody asks what the sinks of an empty store begin with.
      if (isNew && accepted === 0) continue;
      const line = {
        ...{ name, paused: sink.paused, missed, start, beginning, known: sink.start },
        state: isNew ? ('new' as const) : begins ? ('returning' as const) : ('running' as const),
        pending: beginning?.events ?? pending,
        oldestReceivedAt:
          begins && pending > 0 ? await oldestOf(session, schema, sink.id) : undefined,
      };
      if (before === undefined || !before.includes(name)) said.push(lineAtStart(line));
    }
    return [
      ...said.filter((line) => line !== undefined),
      ...(await admit(session, settings, others)),
    ];
  });
}

/** Returns the sinks that the store has ever known, by name. */
export async function readSinks(
  session: Session,
  schema: string,
): Promise<ReadonlyMap<string, StoredSink>> {
  const rows = await session.run({
    name: 'sinks',
    text: `SELECT id, name, active, paused, max_pending, full_policy, baseline, start FROM ${schema}.sink ORDER BY id`,
  });
  return new Map(
    rows.map((row) => {
      const name = String(row['name']);
      const limit = {
        maxPending: Number(row['max_pending']),
        full: row['full_policy'] as SinkLimit['full'],
      };
      return [
        name,
        {
          id: Number(row['id']),
          name,
          active: row['active'] === true,
          paused: row['paused'] === true,
          limit,
          baseline: Number(row['baseline']),
          start: String(row['start']),
        },
      ];
    }),
  );
}

async function createSink(
  session: Session,
  { partitions, schema }: RegistrationDeps,
  name: string,
  limit: SinkLimit,
  accepted: number,
): Promise<StoredSink> {
  const [row] = await session.run(
    `INSERT INTO ${schema}.sink (name, active, max_pending, full_policy, baseline) VALUES ($1, true, $2, $3, $4) RETURNING id`,
    [name, limit.maxPending, limit.full, accepted],
  );
  await session.run(
    `INSERT INTO ${schema}.lane (sink, partition, xid, position)
     SELECT $1, partition, pg_current_xact_id(), 0 FROM generate_series(0, $2::integer - 1) AS partition`,
    [row?.['id'], partitions],
  );
  const state = { active: true, paused: false, start: '', baseline: accepted };
  return { id: Number(row?.['id']), name, limit, ...state };
}

/** Returns what is pending for a sink, and what passed the retention while it was not configured. */
function standing(
  { baseline, id }: StoredSink,
  accepted: number,
  totals: ReadonlyMap<number, SinkTotals>,
): { readonly pending: number; readonly missed: number } {
  const { delivered, died, discarded, filtered, missed, requeued } = totals.get(id) ?? noTotals();
  const left = delivered + filtered + discarded + died + missed;
  return { pending: Math.max(0, accepted - baseline + requeued - left), missed };
}

function settingsOf(sinks: readonly SinkSettings[], options: PostgresOptions): Settings {
  const { dedupeWindow, lease, maxPending } = options;
  return {
    outbox: {
      dedupeWindow: String(dedupeWindow),
      lease: String(lease),
      maxPending: String(maxPending),
    },
    sinks: Object.fromEntries(
      sinks.map(({ full = 'refuse', maxPending: own = maxPending, name, options: others = {} }) => [
        name,
        { maxPending: String(own), full, ...others },
      ]),
    ),
  };
}

interface OtherSettings {
  readonly member: string;
  readonly role: string;
  readonly settings: Settings;
}

async function liveSettings(
  session: Session,
  schema: string,
  except: string,
): Promise<readonly OtherSettings[]> {
  const rows = await session.run(
    `SELECT name, role, settings FROM ${schema}.member WHERE expires_at > clock_timestamp() AND id <> $1 ORDER BY started_at`,
    [except],
  );
  return rows.map((row) => ({
    member: String(row['name']),
    role: String(row['role']),
    settings: JSON.parse(String(row['settings'])) as Settings,
  }));
}

/**
 * Returns the first option that differs from that of another member. A sink that only one of two members has is no
 * difference: a configuration with another sink can be rolled out member by member.
 */
function differenceOf(own: Settings, other: OtherSettings, role: string): string | undefined {
  const { settings } = other;
  const differing = (a: object, b: object): string | undefined => {
    const [first, second] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    const names = new Set([...first.keys(), ...second.keys()]);
    return [...names].find((name) => first.get(name) !== second.get(name));
  };
  const outbox = differing(own.outbox, settings.outbox);
  if (outbox !== undefined) return `outbox.${outbox}`;
  // What only the dispatcher reads may differ in a process that delivers nothing.
  if (role === 'receive' || other.role === 'receive') return undefined;
  for (const [sink, options] of Object.entries(own.sinks)) {
    const theirs = settings.sinks[sink];
    const option = theirs === undefined ? undefined : differing(options, theirs);
    if (option !== undefined) return `sinks.${sink}.${option}`;
  }
  return undefined;
}

function differs(option: string, member: string): TrackbridgeError {
  return new TrackbridgeError(
    'START_FAILED',
    `${option} differs from that of member ${member}, which is running; give both the same, or stop that member first`,
  );
}
