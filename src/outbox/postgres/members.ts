import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import type { OutboxLog } from '../outbox.js';
import type { Role } from '../role.js';
import type { MemberState } from '../statistics.js';
import type { Database, Session } from './connection/database.js';

/** The part of a lease after which a member that could not renew it begins nothing more. */
const CERTAIN = 0.6;

export interface MembershipDeps {
  readonly database: Database;
  readonly schema: string;
  readonly clock: Clock;
  readonly log: OutboxLog;
  readonly name: string;
  readonly role: Role;
  /** Milliseconds. */
  readonly lease: number;
}

/**
 * This process among the members of the store. Others take its lanes over once it has not renewed its lease for as long
 * as that lasts, by the clock of the store.
 */
export class Membership {
  readonly #deps: MembershipDeps;
  #id = randomUUID();
  /** When the last renewal that succeeded was sent, on the monotonic clock. */
  #confirmed = Number.NEGATIVE_INFINITY;
  #settings = '{}';
  #receivers = 1;

  constructor(deps: MembershipDeps) {
    this.#deps = deps;
  }

  /** The id of this process. It is another one after this process was taken for dead. */
  get id(): string {
    return this.#id;
  }

  get name(): string {
    return this.#deps.name;
  }

  get role(): Role {
    return this.#deps.role;
  }

  /** How many members accept deliveries, as far as this process knows. */
  get receivers(): number {
    return this.#receivers;
  }

  /** How long the lease certainly lasts from now on, in milliseconds. */
  get left(): number {
    const { clock, lease } = this.#deps;
    return this.#confirmed + lease - clock.monotonic();
  }

  /** Whether nothing that takes `ms` milliseconds may begin before the next renewal. */
  covers(ms: number): boolean {
    const { lease } = this.#deps;
    return this.left >= lease * (1 - CERTAIN) && this.left >= ms;
  }

  /** Joins inside a transaction of the caller, with the settings that others compare with theirs. */
  async join(session: Session, settings: string): Promise<void> {
    const { lease, name, role, schema } = this.#deps;
    this.#settings = settings;
    await session.run(
      `INSERT INTO ${schema}.member (id, name, role, expires_at, settings)
       VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond', $5)`,
      [this.#id, name, role, lease, settings],
    );
  }

  /** Changes the settings inside a transaction of the caller, which calls `changed` after its commit. */
  async change(session: Session, settings: string): Promise<void> {
    const { schema } = this.#deps;
    await session.run(`UPDATE ${schema}.member SET settings = $2 WHERE id = $1`, [
      this.#id,
      settings,
    ]);
  }

  /** These settings hold, also if this process has to join again. */
  changed(settings: string): void {
    this.#settings = settings;
  }

  /**
   * Renews the lease. Resolves to whether this process was still a member. If others have taken it for dead, it is
   * another member from now on, which owns nothing.
   */
  async beat(): Promise<boolean> {
    const { clock, database, lease, log, schema } = this.#deps;
    const sent = clock.monotonic();
    const rows = await database.run(
      {
        name: 'beat',
        text: `UPDATE ${schema}.member SET beat_at = clock_timestamp(), expires_at = clock_timestamp() + $2 * interval '1 millisecond'
          WHERE id = $1 RETURNING id`,
      },
      [this.#id, lease],
    );
    const isMember = rows.length > 0;
    if (!isMember) {
      log.warn(
        { member: this.#id },
        'the other members took this process for dead; it joins again',
      );
      this.#id = randomUUID();
      await this.join(database, this.#settings);
    }
    this.#confirmed = sent;
    return isMember;
  }

  /** The lease counts as renewed at this time of the monotonic clock. */
  confirm(sent: number): void {
    this.#confirmed = sent;
  }

  /** Leaves, so that others need not wait for the end of the lease. */
  async leave(): Promise<void> {
    const { database, schema } = this.#deps;
    this.#confirmed = Number.NEGATIVE_INFINITY;
    await database.run(
      `WITH freed AS (UPDATE ${schema}.lane SET owner = NULL WHERE owner = $1)
       DELETE FROM ${schema}.member WHERE id = $1`,
      [this.#id],
    );
  }

  /** How many members deliver, this one included. */
  async dispatchers(): Promise<number> {
    const { database, schema } = this.#deps;
    const [row] = await database.run({
      name: 'dispatchers',
      text: `SELECT count(*) AS alive FROM ${schema}.member WHERE role <> 'receive' AND expires_at > clock_timestamp()`,
    });
    return Math.max(1, Number(row?.['alive'] ?? 1));
  }

  /** Counts the members that accept deliveries. */
  async learn(): Promise<void> {
    const { database, schema } = this.#deps;
    const [row] = await database.run({
      name: 'receivers',
      text: `SELECT count(*) AS alive FROM ${schema}.member WHERE role <> 'dispatch' AND expires_at > clock_timestamp()`,
    });
    this.#receivers = Math.max(1, Number(row?.['alive'] ?? 1));
  }

  /** The live members, the oldest first. */
  async list(session: Session): Promise<readonly MemberState[]> {
    const { schema } = this.#deps;
    const rows = await session.run({
      name: 'members',
      text: `SELECT id, name, role, extract(epoch FROM clock_timestamp() - beat_at) * 1000 AS silent,
          extract(epoch FROM started_at) * 1000 AS started,
          (SELECT count(*) FROM ${schema}.lane l WHERE l.owner = m.id) AS partitions
        FROM ${schema}.member m WHERE expires_at > clock_timestamp() ORDER BY started_at, id`,
    });
    return rows.map((row) => ({
      name: String(row['name']),
      role: row['role'] as Role,
      isSelf: row['id'] === this.#id,
      silentFor: Math.max(0, Math.round(Number(row['silent']))),
      startedAt: Math.round(Number(row['started'])),
      partitions: Number(row['partitions']),
    }));
  }
}
