import { TrackbridgeError } from '../../../core/errors.js';
import { limitsOf, type SinkLimit } from '../../limits.js';
import type { SinkSettings } from '../../store.js';
import type { Database, Session } from '../connection/database.js';
import type { Membership } from '../members.js';
import type { PostgresOptions } from '../options.js';
import { readSums } from '../totals.js';

/** A sink as the store knows it. */
export interface StoredSink {
  readonly id: number;
  readonly name: string;
  readonly active: boolean;
  readonly paused: boolean;
  readonly limit: SinkLimit;
  readonly baseline: number;
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
 * Registers this process and its sinks, as one step. A sink that is new to the store starts with the next event. A sink
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
    const said: string[] = [];
    for (const sink of known.values()) {
      const isConfigured = limits.has(sink.name);
      const total = totals.get(sink.id);
      const pending = Math.max(
        0,
        accepted -
          sink.baseline +
          (total === undefined
            ? 0
            : total.requeued -
              total.delivered -
              total.filtered -
              total.discarded -
              total.died -
              total.missed),
      );
      const isElsewhere = elsewhere.has(sink.name);
      const line = changeOf(sink, pending, isConfigured, isElsewhere);
      if (line !== undefined) said.push(line);
      if (isConfigured || isElsewhere || !sink.active) continue;
      await session.run(`UPDATE ${schema}.sink SET active = false WHERE id = $1`, [sink.id]);
    }
    for (const [name, limit] of limits) {
      const sink = known.get(name);
      if (sink === undefined) {
        await createSink(session, deps, name, limit, accepted);
        if (accepted > 0) said.push(`sink ${name} is new: it starts with the next event`);
      } else {
        await session.run(
          `UPDATE ${schema}.sink SET active = true, max_pending = $2, full_policy = $3 WHERE id = $1`,
          [sink.id, limit.maxPending, limit.full],
        );
      }
    }
    await membership.join(session, JSON.stringify(settings));
    return said;
  });
}

/** Returns the sinks that the store has ever known, by name. */
export async function readSinks(
  session: Session,
  schema: string,
): Promise<ReadonlyMap<string, StoredSink>> {
  const rows = await session.run({
    name: 'sinks',
    text: `SELECT id, name, active, paused, max_pending, full_policy, baseline FROM ${schema}.sink ORDER BY id`,
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
        },
      ];
    }),
  );
}

async function createSink(
  session: Session,
  { partitions, schema }: RegistrationDeps,
  name: string,
  { full, maxPending }: SinkLimit,
  accepted: number,
): Promise<void> {
  const [row] = await session.run(
    `INSERT INTO ${schema}.sink (name, active, max_pending, full_policy, baseline) VALUES ($1, true, $2, $3, $4) RETURNING id`,
    [name, maxPending, full, accepted],
  );
  await session.run(
    `INSERT INTO ${schema}.lane (sink, partition, xid, position)
     SELECT $1, partition, pg_current_xact_id(), 0 FROM generate_series(0, $2::integer - 1) AS partition`,
    [row?.['id'], partitions],
  );
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

/** Returns a notice for the operator about a sink that existed before; undefined if nothing has changed. */
function changeOf(
  sink: StoredSink,
  pending: number,
  isConfigured: boolean,
  isElsewhere: boolean,
): string | undefined {
  const { active, name, paused } = sink;
  const events = `${pending} pending event${pending === 1 ? '' : 's'}`;
  if (isConfigured && paused) {
    return `sink ${name} is paused and has ${events}; continue with trackbridge sinks resume ${name}`;
  }
  if (!isConfigured && isElsewhere) {
    return `sink ${name} is not configured here; other members deliver it`;
  }
  if (pending === 0) return undefined;
  if (!isConfigured) {
    return `sink ${name} is no longer configured and has ${events}; they stay until outbox.retention ends: configure it again to deliver them, or discard them with trackbridge sinks purge ${name}`;
  }
  return active
    ? undefined
    : `sink ${name} is configured again and resumes where it stopped: it receives ${events}`;
}
