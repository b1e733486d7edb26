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
  const { database, membership, options, schema } = deps;
  return database.transact(async (session) => {
    // Appends hold a weaker lock until they are committed. So what is accepted so far is settled for new sinks, and
    // every later event has a later transaction.
    await session.run(`LOCK TABLE ${schema}.event IN SHARE ROW EXCLUSIVE MODE`);
    await session.run(`LOCK TABLE ${schema}.member IN SHARE ROW EXCLUSIVE MODE`);
    const settings = settingsOf(sinks, options);
    const others = await liveSettings(session, schema);
    for (const other of others) refuseDifference(settings, other, membership.role);
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
      said.push(lineAtStart({ ...sink, state, missed, pending, start: undefined, known: '' }));
      if (isElsewhere || !sink.active) continue;
      await session.run(`UPDATE ${schema}.sink SET active = false WHERE id = $1`, [sink.id]);
    }
    for (const { name, start } of sinks) {
      const limit = limits.get(name);
      if (limit === undefined) continue;
      const before = known.get(name);
      const isNew = before === undefined;
      const sink = before ?? (await createSink(session, deps, name, limit, accepted));
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
      said.push(lineAtStart(line));
    }
    await membership.join(session, JSON.stringify(settings));
    return said.filter((line) => line !== undefined);
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

async function liveSettings(session: Session, schema: string): Promise<readonly OtherSettings[]> {
  const rows = await session.run(
    `SELECT name, role, settings FROM ${schema}.member WHERE expires_at > clock_timestamp() ORDER BY started_at`,
  );
  return rows.map((row) => ({
    member: String(row['name']),
    role: String(row['role']),
    settings: JSON.parse(String(row['settings'])) as Settings,
  }));
}

/**
 * A sink that only one of two members has is no difference: a configuration with another sink can be rolled out member
 * by member.
 */
function refuseDifference(own: Settings, other: OtherSettings, role: string): void {
  const { member, settings } = other;
  const differing = (a: object, b: object): string | undefined => {
    const [first, second] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
    const names = new Set([...first.keys(), ...second.keys()]);
    return [...names].find((name) => first.get(name) !== second.get(name));
  };
  const outbox = differing(own.outbox, settings.outbox);
  if (outbox !== undefined) throw differs(`outbox.${outbox}`, member);
  // What only the dispatcher reads may differ in a process that delivers nothing.
  if (role === 'receive' || other.role === 'receive') return;
  for (const [sink, options] of Object.entries(own.sinks)) {
    const theirs = settings.sinks[sink];
    const option = theirs === undefined ? undefined : differing(options, theirs);
    if (option !== undefined) throw differs(`sinks.${sink}.${option}`, member);
  }
}

function differs(option: string, member: string): TrackbridgeError {
  return new TrackbridgeError(
    'START_FAILED',
    `${option} differs from that of member ${member}, which is running; give both the same, or stop that member first`,
  );
}
