import { readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect, it } from 'vitest';
import { ask } from '../../../src/outbox/sqlite/file/ask.js';
import { createStoreFile } from '../../../src/outbox/sqlite/file/create.js';
import { openDatabase } from '../../../src/outbox/sqlite/file/open.js';
import { MIGRATIONS } from '../../../src/outbox/sqlite/file/schema.js';
import { unauthenticatedWeight } from '../../../src/outbox/unauthenticated.js';
import { startOutboxChild } from '../outbox-child.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();

/** A closed store with a row in it. */
async function store(): Promise<string> {
  const path = join(await newPlace(), 'outbox.db');
  const database = openDatabase(path, 'full');
  database.exec(
    "INSERT INTO sink (id, name, active, position, pending, delivered, dead) VALUES (1, 'archive', 1, 0, 0, 0, 0)",
  );
  database.close();
  return path;
}

/** What a process that was killed leaves: the database and a -wal that is not copied into it. */
async function killedStore(): Promise<string> {
  const path = await store();
  const database = openDatabase(path, 'full');
  database.exec(
    "INSERT INTO sink (id, name, active, position, pending, delivered, dead) VALUES (2, 'orders', 1, 0, 0, 0, 0)",
  );
  const copy = join(await newPlace(), 'outbox.db');
  await copyFile(path, copy);
  await copyFile(`${path}-wal`, `${copy}-wal`);
  database.close();
  return copy;
}

function contents(path: string): Record<string, Buffer> {
  const directory = join(path, '..');
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]),
  );
}

function refusal(path: string, migrations = MIGRATIONS): { code: unknown; message: string } {
  try {
    openDatabase(path, 'full', migrations).close();
  } catch (error) {
    const { code, message } = error as Error & { code: unknown };
    return { code, message };
  }
  return { code: 'OPENED', message: '' };
}

describe('a new store', () => {
  it('is closed to other users, and so is its directory', async () => {
    const directory = join(await newPlace(), 'deep', 'data');
    const database = openDatabase(join(directory, 'outbox.db'), 'full');
    database.exec(
      "INSERT INTO sink (id, name, active, position, pending, delivered, dead) VALUES (1, 'archive', 1, 0, 0, 0, 0)",
    );
    const modes = readdirSync(directory).map((name) => [
      name,
      statSync(join(directory, name)).mode & 0o777,
    ]);
    expect(modes).toEqual([
      ['outbox.db', 0o600],
      ['outbox.db-wal', 0o600],
    ]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    database.close();
  });

  it.each([
    ['full', 2],
    ['normal', 1],
  ] as const)(
    'of durability %s has the synchronous setting %i under WAL',
    async (durability, level) => {
      const database = openDatabase(join(await newPlace(), 'outbox.db'), durability);
      expect(ask(database, 'SELECT synchronous FROM pragma_synchronous')).toBe(level);
      expect(ask(database, 'SELECT journal_mode FROM pragma_journal_mode')).toBe('wal');
      database.close();
    },
  );

  it('may have a name that SQLite would take for a URI', async () => {
    const place = await newPlace();
    await mkdir(join(place, 'file:x?mode=memory'));
    const path = join(place, 'file:x?mode=memory', 'outbox.db');
    openDatabase(path, 'full').close();
    expect(statSync(path).size).toBeGreaterThan(0);
  });
});

describe('a store that was there', () => {
  it('is opened with what it holds, also after its process was killed', async () => {
    const database = openDatabase(await killedStore(), 'full');
    expect(ask(database, 'SELECT group_concat(name) FROM sink')).toBe('archive,orders');
    database.close();
  });

  it.each<[string, string, (path: string) => Promise<void>]>([
    ['is empty', 'is empty', (path) => truncate(path, 0)],
    ['is shorter than a header', 'not an SQLite database', (path) => truncate(path, 50)],
    [
      'holds something else',
      'not an SQLite database',
      (path) => writeFile(path, 'x'.repeat(9_000)),
    ],
    ['is cut off', 'is cut off', (path) => truncate(path, 4_096 * 3)],
    ['has a damaged page', 'damaged|malformed', damage],
  ])('is refused and left as it is where it %s', async (_, reason, spoil) => {
    const path = await store();
    await spoil(path);
    const before = contents(path);
    const { code, message } = refusal(path);
    expect(code).toBe('OUTBOX_CORRUPT');
    expect(message).toMatch(new RegExp(reason));
    expect(message).toMatch(/restore a backup.*move outbox\.db and outbox\.db-\* away/);
    expect(message).not.toContain(path);
    expect(contents(path)).toEqual(before);
  });

  it('is left as it is, the -wal included, where it is damaged and was killed', async () => {
    const path = await killedStore();
    await damage(path);
    const before = contents(path);
    expect(refusal(path).code).toBe('OUTBOX_CORRUPT');
    expect(contents(path)).toEqual(before);
  });

  it('is refused where its -wal is there without it', async () => {
    const path = await killedStore();
    await rm(path);
    const before = contents(path);
    expect(refusal(path)).toMatchObject({
      code: 'OUTBOX_CORRUPT',
      message: expect.stringMatching(/restore outbox\.db/),
    });
    expect(contents(path)).toEqual(before);
  });

  it('is refused where it belongs to another program', async () => {
    const path = join(await newPlace(), 'outbox.db');
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE precious (x)');
    other.close();
    const before = contents(path);
    expect(refusal(path)).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringMatching(/another program/),
    });
    expect(contents(path)).toEqual(before);
  });

  it('is refused where it is a directory', async () => {
    const path = join(await newPlace(), 'outbox.db');
    await mkdir(path);
    expect(refusal(path).code).toBe('START_FAILED');
  });

  it('is refused to a second process, in one line', async () => {
    const path = join(await newPlace(), 'outbox.db');
    const child = await startOutboxChild(path);
    await child.ask({ do: 'append', ids: ['a'] });
    const { code, message } = refusal(path);
    expect(code).toBe('START_FAILED');
    expect(message).toMatch(/^outbox\.db is in use by another process; [^\n]*$/);
    await child.ask({ do: 'append', ids: ['b'] });
    await child.kill();
  });
});

describe('migrations', () => {
  const NEXT = 'ALTER TABLE sink ADD COLUMN note TEXT';

  it('bring an older store up to date and keep what it holds', async () => {
    const path = await store();
    const database = openDatabase(path, 'full', [...MIGRATIONS, NEXT]);
    expect(ask(database, 'SELECT user_version FROM pragma_user_version')).toBe(
      MIGRATIONS.length + 1,
    );
    expect(ask(database, "SELECT name || coalesce(note, '-') FROM sink")).toBe('archive-');
    database.close();
    openDatabase(path, 'full', [...MIGRATIONS, NEXT]).close();
  });

  it('count what a store of the first version holds in quarantine, by source', async () => {
    const path = join(await newPlace(), 'old.db');
    createStoreFile(path, MIGRATIONS.slice(0, 1));
    const old = new DatabaseSync(path);
    const large = JSON.stringify('\u00e9'.repeat(8_200)); // two bytes each: over 16 kB, in fewer characters
    const add = (source: string, reason: string, raw: string): void =>
      old.exec(
        'INSERT INTO quarantine (source, delivery_id, received_at, reason, errors, delivery, raw)' +
          ` VALUES ('${source}', '', 0, '${reason}', '[]', '{}', '${raw}')`,
      );
    for (const raw of ['{}', '{}', large]) add('segment', 'unauthenticated', raw);
    add('segment', 'invalid', '{}');
    add('rudderstack', 'unauthenticated', '{}');
    add('web', 'invalid', '{}');
    old.close();
    const database = openDatabase(path, 'full');
    const counted =
      "SELECT group_concat(source || ' ' || entries || ' ' || weight) FROM quarantine_count";
    expect(ask(database, counted)).toBe('rudderstack 1 1,segment 4 4,web 1 0');
    const entry = { reason: 'unauthenticated', raw: large, delivery: '{}' };
    expect(unauthenticatedWeight(entry)).toBe(2);
    database.close();
  });

  it('keep apart what the far side said of an attempt, which stood in one text with the error', async () => {
    const path = join(await newPlace(), 'old.db');
    createStoreFile(path, MIGRATIONS.slice(0, 4));
    const old = new DatabaseSync(path);
    const attempts = [
      { at: 1, error: 'answered 400, saying: bad, saying: ann@example.com' },
      { at: 2, error: 'the connection was lost' },
    ];
    old.exec(
      `INSERT INTO attempt VALUES (1, 1, 1, 1, '${attempts[0]?.error}'), (1, 1, 2, 2, 'no')`,
    );
    for (const list of [attempts, attempts.slice(1)]) {
      old.exec(
        `INSERT INTO dead_letter (sink, at, order_key, attempts, json) VALUES (1, 2, 'k', '${JSON.stringify(list)}', '{}')`,
      );
    }
    old.close();
    const database = openDatabase(path, 'full');
    const farSide = 'bad, saying: ann@example.com';
    expect(
      ask(
        database,
        "SELECT group_concat(error || coalesce('|' || far_side, ''), '; ') FROM attempt",
      ),
    ).toBe(`answered 400|${farSide}; no`);
    const stored = ask(database, "SELECT group_concat(attempts, ' ') FROM dead_letter");
    expect(stored).toBe(
      [[{ at: 1, error: 'answered 400', farSide }, attempts[1]], [attempts[1]]]
        .map((list) => JSON.stringify(list))
        .join(' '),
    );
    database.close();
  });

  it('leave the store as it was where one fails', async () => {
    const path = await store();
    const failing = `${NEXT}; CREATE TABLE sink (x)`;
    expect(refusal(path, [...MIGRATIONS, failing]).code).toBe('START_FAILED');
    const database = openDatabase(path, 'full');
    expect(
      ask(database, "SELECT count(*) FROM pragma_table_info('sink') WHERE name = 'note'"),
    ).toBe(0);
    database.close();
  });

  it('refuse a store of a newer version', async () => {
    const path = await store();
    openDatabase(path, 'full', [...MIGRATIONS, NEXT]).close();
    const before = contents(path);
    expect(refusal(path)).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining(
        `newer version (schema ${MIGRATIONS.length + 1}, this one knows ${MIGRATIONS.length})`,
      ),
    });
    expect(contents(path)).toEqual(before);
  });
});

/** Overwrites everything but the first page, of which the head says what the file is. */
async function damage(path: string): Promise<void> {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 4_096);
  await writeFile(path, bytes);
}
