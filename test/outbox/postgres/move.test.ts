import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { type MoveReport, moveStore } from '../../../src/outbox/move.js';
import type { Outbox } from '../../../src/outbox/outbox.js';
import { openPostgresSource } from '../../../src/outbox/postgres/move/source.js';
import { openPostgresTarget } from '../../../src/outbox/postgres/move/target.js';
import { PostgresOutbox } from '../../../src/outbox/postgres/outbox.js';
import { COMPATIBLE, MIGRATIONS } from '../../../src/outbox/postgres/schema/migrations.js';
import { checkStore } from '../../../src/outbox/sqlite/health/check.js';
import { openSqliteSource } from '../../../src/outbox/sqlite/move/source.js';
import { openSqliteTarget } from '../../../src/outbox/sqlite/move/target.js';
import { SqliteOutbox } from '../../../src/outbox/sqlite/outbox.js';
import { requireServer } from '../../support/servers.js';
import {
  claim,
  claimAll,
  delivery,
  done,
  idsOf,
  named,
  newEvent,
  newEvents,
  newQuarantined,
  settle,
} from '../samples.js';
import { temporaryPlaces } from '../temporary-places.js';
import { postgresPlaces } from './places.js';

const OPTIONS = {
  durability: 'full',
  dedupeWindow: 1e12,
  maxPending: 100_000,
  retention: { age: 1e12 },
} as const;
const SINKS = named('archive', 'orders');

describe.runIf(await requireServer('PostgreSQL', 5432))('a store that is moved', () => {
  const places = postgresPlaces();
  const newPlace = temporaryPlaces();
  const lines: string[] = [];
  const log = {
    warn: (_: object, message: string) => void lines.push(message),
    error: (_: object, message: string) => void lines.push(message),
  };
  const sqlite = (path: string): Outbox =>
    new SqliteOutbox({ ...OPTIONS, path }, { clock: systemClock, log });
  const postgresOptions = (schema: string) => ({
    ...OPTIONS,
    url: places.url(),
    schema,
    partitions: 16,
    lease: 15_000,
  });
  const postgres = (schema: string): Outbox =>
    new PostgresOutbox(postgresOptions(schema), { clock: systemClock, log });

  /** A copy: this process keeps the lock of a file that it has closed until the garbage collector runs. */
  const unlocked = async (path: string): Promise<string> => {
    const copy = join(await newPlace(), 'outbox.db');
    await copyFile(path, copy);
    return copy;
  };

  /** Fills a store with everything that there is, and closes it. Returns what it says of itself. */
  async function fill(outbox: Outbox): Promise<object> {
    await outbox.open(SINKS);
    const users = newEvents(60).map((event, at) => ({ ...event, orderKey: `u:${at % 7}\0` }));
    await outbox.append(delivery(users, [newQuarantined(), newQuarantined({ source: 'web' })]));
    await outbox.append(delivery([newEvent('forged', { authenticated: false })]));
    const archive = outbox.consumer('archive', 1);
    const [first, second, third, fourth, ...others] = await claim(archive, 0, 20);
    if (!first || !second || !third || !fourth) throw new Error('events were expected');
    const attempt = { at: 5, error: 'status 503', farSide: 'no' };
    await settle(archive, [
      { id: first.id, outcome: 'retry', attempt },
      { id: second.id, outcome: 'dead', attempt },
      { id: third.id, outcome: 'filtered' },
      ...done(others),
    ]);
    const orders = outbox.consumer('orders', 1);
    await settle(orders, done(await claim(orders, 0, 10)));
    await outbox.requeue(newEvents(1, {}, 900), ['orders']);
    await outbox.setPaused('orders', true);
    const stats = await outbox.stats();
    await outbox.close();
    return stats;
  }

  /** What a store says and hands out. */
  async function look(outbox: Outbox): Promise<object> {
    await outbox.open(SINKS);
    const stats = await outbox.stats();
    const letters = (await outbox.deadLetters.list({ limit: 9 })).map(({ id: _, ...rest }) => rest);
    const entries = (await outbox.quarantine.list({ limit: 9 })).map(({ id: _, ...rest }) => rest);
    const byUser = async (sink: string) => {
      const users: Record<string, unknown[]> = {};
      for (const { attempts, json, orderKey } of await claimAll(outbox.consumer(sink, 1))) {
        users[orderKey] ??= [];
        users[orderKey].push([JSON.parse(json).messageId, attempts]);
      }
      return users;
    };
    const pending = [await byUser('archive'), await byUser('orders')];
    const again = await outbox.append(
      delivery([newEvent('m3'), newEvent('forged'), newEvent('new')]),
    );
    const outcomes = again.map(({ outcome }) => outcome);
    return { id: outbox.id, stats, letters, entries, pending, outcomes };
  }

  const move = async (
    source: Promise<Parameters<typeof moveStore>[0]>,
    target: Promise<NonNullable<Parameters<typeof moveStore>[1]>> | undefined,
  ): Promise<MoveReport> => {
    const [from, to] = [await source, await target];
    try {
      return await moveStore(from, to, () => undefined);
    } finally {
      await to?.close();
      await from.close();
    }
  };

  it('is the same in PostgreSQL as it was in the file, and back in a file', async () => {
    const [place, schema] = [await newPlace(), places.newSchema()];
    const [path, copy] = [join(place, 'outbox.db'), join(place, 'copy.db')];
    const stats = await fill(sqlite(path));
    const counted = await move(Promise.resolve(openSqliteSource(await unlocked(path))), undefined);
    const moved = await move(
      Promise.resolve(openSqliteSource(path)),
      openPostgresTarget(postgresOptions(schema)),
    );
    expect(moved).toEqual(counted);
    expect(moved).toMatchObject({ events: 62, ids: 61, deadLetters: 1, inQuarantine: 2 });
    await move(
      openPostgresSource(postgresOptions(schema)),
      Promise.resolve(openSqliteTarget(copy)),
    );
    const unlockedCopy = await unlocked(copy);
    expect(checkStore(unlockedCopy)).toMatchObject({ state: 'sound', problems: [] });
    const back = await look(sqlite(unlockedCopy));
    expect(back).toMatchObject({ stats, outcomes: ['duplicate', 'accepted', 'accepted'] });
    // The store in the database is marked as moved as well; look at it as it was.
    await places.query(
      `UPDATE ${schema}.store SET version = ${MIGRATIONS.length}, compatible = ${COMPATIBLE}`,
    );
    const there = await look(postgres(schema));
    expect(there).toEqual(back);
  });

  it('leaves nothing on which a receiver starts', async () => {
    const [place, schema] = [await newPlace(), places.newSchema()];
    const path = join(place, 'outbox.db');
    await fill(sqlite(path));
    await move(
      Promise.resolve(openSqliteSource(path)),
      openPostgresTarget(postgresOptions(schema)),
    );
    await expect(sqlite(path).open(SINKS)).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('was moved to another store'),
    });
    await move(
      openPostgresSource(postgresOptions(schema)),
      Promise.resolve(openSqliteTarget(join(place, 'copy.db'))),
    );
    await expect(postgres(schema).open(SINKS)).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('was moved to another one'),
    });
  });

  it('goes on where it was interrupted, and cannot be used before it is complete', async () => {
    const [place, schema] = [await newPlace(), places.newSchema()];
    const path = join(place, 'outbox.db');
    const outbox = sqlite(path);
    await outbox.open(SINKS);
    await outbox.append(delivery(newEvents(2_500)));
    await outbox.close();
    const source = openSqliteSource(path);
    const target = await openPostgresTarget(postgresOptions(schema));
    const interrupted = moveStore(source, target, (events) => {
      if (events === 2_000) throw new Error('interrupted');
    });
    await expect(interrupted).rejects.toThrow('interrupted');
    await target.close();
    await source.close();
    await expect(postgres(schema).open(SINKS)).rejects.toMatchObject({
      message: expect.stringContaining('finish it with trackbridge outbox migrate'),
    });
    await move(
      Promise.resolve(openSqliteSource(await unlocked(path))),
      openPostgresTarget(postgresOptions(schema)),
    );
    const moved = postgres(schema);
    await moved.open(SINKS);
    expect(await moved.stats()).toMatchObject({ accepted: 2_500, pending: 2_500 });
    const claimed = idsOf(await claimAll(moved.consumer('archive', 1)));
    expect(claimed).toEqual(newEvents(2_500).map(({ messageId }) => messageId));
    await moved.close();
  });

  it('is not moved while a member has it open, nor over another store', async () => {
    const schema = places.newSchema();
    const outbox = postgres(schema);
    await outbox.open(SINKS);
    await expect(openPostgresSource(postgresOptions(schema))).rejects.toMatchObject({
      message: expect.stringMatching(/^member .* has the store open; stop all members first$/),
    });
    await outbox.close();
    const path = join(await newPlace(), 'outbox.db');
    await fill(sqlite(path));
    const moving = move(
      Promise.resolve(openSqliteSource(path)),
      openPostgresTarget(postgresOptions(schema)),
    );
    await expect(moving).rejects.toMatchObject({
      message: expect.stringContaining('there is a store in schema'),
    });
    expect(() => openSqliteTarget(path)).toThrow(/exists already/);
  });
});
