import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../../src/outbox/sqlite/file/ask.js';
import { openDatabase } from '../../../src/outbox/sqlite/file/open.js';
import { MIGRATIONS } from '../../../src/outbox/sqlite/file/schema.js';
import { checkStore } from '../../../src/outbox/sqlite/health/check.js';
import { inspectStoreFile } from '../../../src/outbox/sqlite/health/inspect.js';
import { startOutboxChild } from '../outbox-child.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const PAGE = 8_192;
const FRAME = PAGE + 24;

/**
 * What processes left that were killed after their acknowledgements. Some of the events fill a page and more, so that
 * damage hits payload, too, of which SQLite has no idea. The checkpoint at about 500 pages leaves a part in the file and
 * the rest in the -wal.
 */
let killed: string;
let other: string;
let whole: string;
let oldBackup: string;

async function kill(appends: number): Promise<string> {
  const path = join(await newPlace(), 'outbox.db');
  const child = await startOutboxChild(path);
  for (let at = 0; at < appends; at += 1) {
    const ids = [`${at}-${'x'.repeat(at % 3 === 0 ? 12_000 : 900)}`];
    await child.ask({ do: 'append', ids, quarantined: at % 20 === 0 ? 1 : 0 });
    if (at === 5) {
      oldBackup = join(await newPlace(), 'outbox.db');
      for (const suffix of ['', '-wal']) await copyFile(path + suffix, oldBackup + suffix);
    }
  }
  await child.kill();
  return path;
}

beforeAll(async () => {
  other = await kill(20);
  killed = await kill(200);
  whole = contentOf(await copied());
  expect(statSync(killed).size).toBeGreaterThan(50 * PAGE);
  expect(statSync(`${killed}-wal`).size).toBeGreaterThan(50 * FRAME);
}, 60_000);

async function copied(): Promise<string> {
  const path = join(await newPlace(), 'outbox.db');
  for (const suffix of ['', '-wal', '-mark']) await copyFile(killed + suffix, path + suffix);
  return path;
}

/** Everything that was acknowledged, as the store has it once it is open; throws where it does not open. */
function contentOf(path: string): string {
  const database = openDatabase(path, 'full');
  try {
    const rows = (table: string, columns: string, by: string): unknown =>
      ask(database, `SELECT group_concat(${columns}) FROM (SELECT * FROM ${table} ORDER BY ${by})`);
    return [
      rows('event', 'position || order_key || json', 'position'),
      rows('quarantine', 'id || source || raw || delivery', 'id'),
      rows('sink', 'name || position || pending', 'id'),
      rows('ledger', 'tail || accepted || quarantined', 'one'),
    ].join('\n');
  } finally {
    database.close();
  }
}

/** Without the -shm, which is SQLite's scratch and made anew by whoever opens the store. */
function filesOf(path: string): Record<string, string> {
  const directory = join(path, '..');
  const names = readdirSync(directory).filter((name) => !name.endsWith('-shm'));
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(directory, name)))
      .digest('hex');
  return Object.fromEntries(names.map((name) => [name, digest(name)]));
}

/** What becomes of a store after this damage: the message of its refusal, or `whole`. */
async function outcome(spoil: (path: string) => Promise<void>): Promise<string> {
  const path = await copied();
  await spoil(path);
  const before = filesOf(path);
  const report = checkStore(path);
  expect(filesOf(path)).toEqual(before);
  try {
    const content = contentOf(path);
    expect(content === whole).toBe(true);
    expect(report.problems).toEqual([]);
    return 'whole';
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    expect({ code, message }).toMatchObject({ code: 'OUTBOX_CORRUPT' });
    expect(message).not.toContain('\n');
    expect(report.state).toBe('damaged');
    // Nothing is changed: what is missing can be put back.
    expect(filesOf(path)).toEqual(before);
    return message;
  }
}

async function overwrite(file: string, at: number, length: number, byte: number): Promise<void> {
  const bytes = readFileSync(file);
  await writeFile(file, bytes.fill(byte, at, Math.min(at + length, bytes.length)));
}

const LACKS = /^outbox\.db lacks \d+ events?( and \d+ quarantined entr\w+)? that were acknowledged/;
const DAMAGED = /^outbox\.db (is damaged|cannot be read|is cut off|is not an SQLite database)/;
const pages = (): number => statSync(killed).size / PAGE;

/** The last page of the file, from 0, that the -wal does not hold as well: damage to the others is put right from there. */
function lastPage(): number {
  const log = readFileSync(`${killed}-wal`);
  const logged = new Set<number>();
  for (let at = 32; at + FRAME <= log.length; at += FRAME) logged.add(log.readUInt32BE(at) - 1);
  let page = pages() - 1;
  while (logged.has(page)) page -= 1;
  return page;
}

const frames = (): number => Math.floor((statSync(`${killed}-wal`).size - 32) / FRAME);

describe('a store whose process was killed, and then', () => {
  it.each<[string, RegExp, (path: string) => Promise<void>]>([
    ['its -wal removed', LACKS, (path) => rm(`${path}-wal`)],
    ['its -wal emptied', LACKS, (path) => truncate(`${path}-wal`)],
    ['the head of its -wal zeroed', LACKS, (path) => overwrite(`${path}-wal`, 0, 32, 0)],
    ['its -wal cut between frames', LACKS, (path) => truncate(`${path}-wal`, 32 + 3 * FRAME)],
    ['its -wal cut within a frame', LACKS, (path) => truncate(`${path}-wal`, 5 * FRAME)],
    [
      'the middle of its -wal overwritten',
      LACKS,
      (path) => overwrite(`${path}-wal`, 9 * FRAME, 999, 1),
    ],
    [
      'its -wal replaced by that of another store',
      /^outbox\.db(-wal belongs to another store| is damaged| cannot be read)/,
      (path) => copyFile(`${other}-wal`, `${path}-wal`),
    ],
    [
      'an older copy put in its place',
      /^outbox\.db lacks \d+ events/,
      async (path) => {
        for (const suffix of ['', '-wal']) await copyFile(oldBackup + suffix, path + suffix);
      },
    ],
    ['its file removed', /^outbox\.db is missing but outbox\.db-wal exists/, (path) => rm(path)],
    ['its head zeroed', DAMAGED, (path) => overwrite(path, 0, 100, 0)],
    ['its last page overwritten', DAMAGED, (path) => overwrite(path, lastPage() * PAGE, PAGE, 9)],
    [
      'its last page torn',
      DAMAGED,
      (path) => overwrite(path, (lastPage() + 1) * PAGE - 4_096, 4_096, 0),
    ],
    ['its last page cut off', DAMAGED, (path) => truncate(path, lastPage() * PAGE)],
    ['half of it cut off', DAMAGED, (path) => truncate(path, Math.floor(pages() / 2) * PAGE + 77)],
    ['payload of it zeroed', DAMAGED, (path) => overwrite(path, 40 * PAGE + 4_096, 512, 0)],
    ['garbage for a -shm', /^whole$/, (path) => writeFile(`${path}-shm`, 'Z'.repeat(32_768))],
    [
      'its last frame torn, which nobody was told of',
      /^whole$/,
      async (path) => {
        const bytes = readFileSync(`${path}-wal`);
        await writeFile(`${path}-wal`, Buffer.concat([bytes, bytes.subarray(32, 700)]));
      },
    ],
  ])('%s is refused as it should be, or has everything', async (_, expected, spoil) => {
    expect(await outcome(spoil)).toMatch(expected);
  });

  it('damaged anywhere, by whatever, has everything or is refused', async () => {
    let state = 20_261_121;
    const below = (limit: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * limit);
    };
    for (let round = 0; round < 12; round += 1) {
      const [page, frame, byte] = [below(pages()), below(frames()), below(256)];
      await outcome((path) => overwrite(path, page * PAGE, PAGE, byte));
      await outcome((path) => overwrite(path, page * PAGE + 512 * below(16), 512, byte));
      await outcome((path) => truncate(path, page * PAGE + below(PAGE)));
      await outcome((path) => overwrite(`${path}-wal`, frame * FRAME, below(9_000), byte));
      await outcome((path) => truncate(`${path}-wal`, frame * FRAME + below(FRAME)));
    }
  }, 60_000);

  it('holding old pages that fit in between is refused, until the operator accepts it', async () => {
    const path = await copied();
    // As a checkpoint does that was killed before it had copied all, and whose -wal was removed then.
    const database = new DatabaseSync(path);
    database.exec('DELETE FROM event WHERE position BETWEEN 90 AND 92');
    database.close();
    expect(() => contentOf(path)).toThrow(
      /^outbox\.db lacks 3 events that were not delivered yet; .* remove outbox\.db-mark to continue/,
    );
    await rm(`${path}-mark`);
    expect(() => contentOf(path)).not.toThrow();
  });

  it('put right again opens with everything', async () => {
    const path = await copied();
    await rm(`${path}-wal`);
    expect(() => contentOf(path)).toThrow(/lacks/);
    await copyFile(`${killed}-wal`, `${path}-wal`);
    expect(contentOf(path) === whole).toBe(true);
  });

  it('is refused without a mark, too, where its -wal is of another store', async () => {
    const refusal = outcome(async (path) => {
      await copyFile(`${other}-wal`, `${path}-wal`);
      await rm(`${path}-mark`);
    });
    expect(await refusal).toMatch(
      /-wal belongs to another store than outbox\.db; restore the right one/,
    );
  });
});

describe('a store too large to be read at every start', () => {
  const inspect = (path: string) => () =>
    inspectStoreFile(path, MIGRATIONS.length, { readAllUpTo: 0 });

  it('is not, where nothing is unusual', async () => {
    const path = await copied();
    await overwrite(path, 40 * PAGE + 4_096, 512, 0);
    expect(inspect(path)).not.toThrow();
  });

  it('is, where the file is shorter than its head says', async () => {
    const path = await copied();
    await truncate(path, lastPage() * PAGE);
    expect(inspect(path)).toThrow(DAMAGED);
  });

  it('is, where its process was killed and left no -wal', async () => {
    const path = await copied();
    await rm(`${path}-wal`);
    await overwrite(path, 40 * PAGE + 4_096, 512, 0);
    expect(inspect(path)).toThrow(DAMAGED);
  });
});
