import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkStore } from '../../../../src/outbox/sqlite/health/check.js';
import { compileSlowDisk, type SlowDisk, slowDiskWorks } from '../../../shim/slow-disk.js';
import { type OutboxChild, startOutboxChild } from '../../outbox-child.js';
import { temporaryPlaces } from '../../temporary-places.js';

const newPlace = temporaryPlaces();
const children: OutboxChild[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
});

interface Started {
  readonly child: OutboxChild;
  /** In a directory of its own. */
  readonly path: string;
}

async function open(path: string, env: Record<string, string> = {}): Promise<OutboxChild> {
  const child = await startOutboxChild(path, env);
  children.push(child);
  return child;
}

async function start(env: Record<string, string> = {}): Promise<Started> {
  const path = join(await newPlace(), 'data', 'outbox.db');
  const child = await open(path, env);
  await child.ask({ do: 'append', ids: ['a', 'b'] });
  await child.ask({ do: 'append', ids: ['c'], quarantined: 1 });
  return { child, path };
}

interface Logged {
  readonly message: string;
  readonly detail: string;
}

const messages = async (child: OutboxChild): Promise<string[]> =>
  ((await child.ask({ do: 'errors' })) as Logged[]).map(({ message }) => message);

const DUPLICATES = Array.from({ length: 3 }, () => ({ outcome: 'duplicate' }));

/** What is acknowledged is known, now and after a kill and a new start. */
async function holdsEverything({ child, path }: Started): Promise<void> {
  expect(await child.ask({ do: 'append', ids: ['a', 'b', 'c'] })).toEqual(DUPLICATES);
  await child.ask({ do: 'append', ids: ['later'] });
  await child.kill();
  expect(checkStore(path).problems).toEqual([]);
  const next = await open(path);
  const known = await next.ask({ do: 'append', ids: ['a', 'b', 'c', 'later'] });
  expect(known).toEqual([...DUPLICATES, { outcome: 'duplicate' }]);
  expect(await next.ask({ do: 'warnings' })).toEqual([]);
}

/** Waits until writes are taken again. */
async function recovered(child: OutboxChild): Promise<void> {
  for (;;) {
    const isTaken = await child.ask({ do: 'append', ids: ['probe'] }).then(
      () => true,
      () => false,
    );
    if (isTaken) return;
  }
}

/** Waits until the log says this. */
async function logged(child: OutboxChild, what: RegExp): Promise<Logged> {
  for (;;) {
    const lines = (await child.ask({ do: 'errors' })) as Logged[];
    const line = lines.find(({ message }) => what.test(message));
    if (line !== undefined) return line;
    await child.ask({ do: 'append', ids: ['probe'] }).catch(() => undefined);
  }
}

const UNAVAILABLE = { name: 'OUTBOX_UNAVAILABLE' };

describe('a store whose files another program takes away while it is open', () => {
  it.each<[string, RegExp, (path: string) => Promise<void>]>([
    [
      'with their directory',
      /deleted outbox\.db while the receiver was running; the receiver restored it with all events/,
      (path) => rm(dirname(path), { recursive: true }),
    ],
    [
      'only the database',
      /deleted outbox\.db while .*; the receiver restored it/,
      (path) => rm(path),
    ],
    [
      'the database and its mark',
      /deleted outbox\.db while .*; the receiver restored it/,
      async (path) => {
        await rm(path);
        await rm(`${path}-mark`);
      },
    ],
    [
      'only the -wal',
      /deleted or moved outbox\.db-wal while .*; the receiver saved its events$/,
      (path) => rm(`${path}-wal`),
    ],
    [
      'only the -wal, with another file in its place',
      /replaced outbox\.db-wal while .*; the other file is now outbox\.db-wal\.foreign-1$/,
      async (path) => {
        await writeFile(`${path}.x`, 'not a -wal');
        await rename(`${path}.x`, `${path}-wal`);
      },
    ],
  ])('%s takes no event, saves what it held, and goes on', async (_, says, takeAway) => {
    const { child, path } = await start();
    await takeAway(path);
    // The first one already, and however many at once.
    const refused = [1, 2, 3].map((at) => child.ask({ do: 'append', ids: [`refused${at}`] }));
    for (const each of refused) await expect(each).rejects.toMatchObject(UNAVAILABLE);
    await recovered(child);
    const lines = await messages(child);
    expect(lines.filter((line) => says.test(line))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('The outbox could not write'))).toHaveLength(1);
    await holdsEverything({ child, path });
  });

  it('notices at the next probe, also where nothing is written', async () => {
    const { child, path } = await start();
    await rm(dirname(path), { recursive: true });
    await expect(child.ask({ do: 'probe' })).rejects.toMatchObject(UNAVAILABLE);
  });

  it('replaced by another file leaves that alone and saves what it held beside it', async () => {
    const { child, path } = await start();
    await writeFile(`${path}.x`, 'of another program');
    await rename(`${path}.x`, path);
    await expect(child.ask({ do: 'append', ids: ['d'] })).rejects.toMatchObject(UNAVAILABLE);
    const line = await logged(child, /and put another file in its place; all its events are in/);
    expect(line.detail).toBe(`${path}.rescued-1`);
    await expect(child.ask({ do: 'append', ids: ['d'] })).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: line.message,
    });
    expect(checkStore(`${path}.rescued-1`)).toMatchObject({
      state: 'sound',
      content: { events: 3, inQuarantine: 1 },
    });
    await rename(path, `${path}.x`);
    await rm(`${path}-wal`, { force: true });
    await rename(`${path}.rescued-1`, path);
    await recovered(child);
    await holdsEverything({ child, path });
  });

  it('replaced by another store is not taken for the one that was there', async () => {
    const { child, path } = await start();
    const other = await start();
    await other.child.ask({ do: 'close' });
    await rename(other.path, path);
    await rm(`${path}-mark`);
    await logged(child, /all its events are in outbox\.db\.rescued-1/);
    await expect(child.ask({ do: 'append', ids: ['d'] })).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringMatching(/outbox\.db/),
    });
    expect(existsSync(`${path}.rescued-1`)).toBe(true);
  });

  it.each<[string, (path: string) => [string, string][]]>([
    ['with their directory', (path) => [[dirname(path), `${dirname(path)}.old`]]],
    ['only the database', (path) => [[path, `${path}.old`]]],
  ])('by renaming, %s, makes no second store and goes on when they are back', async (_, moves) => {
    const { child, path } = await start();
    for (const [from, to] of moves(path)) await rename(from, to);
    await expect(child.ask({ do: 'append', ids: ['d'] })).rejects.toMatchObject(UNAVAILABLE);
    const line = await logged(child, /moved outbox\.db while .*; nothing is lost: move outbox\.db/);
    if (process.platform === 'linux') expect(line.detail).toMatch(/the database is now .*\.old/);
    expect(existsSync(path)).toBe(false);
    for (const [from, to] of moves(path)) await rename(to, from);
    await recovered(child);
    await holdsEverything({ child, path });
  });

  it('saves what it held where it is closed before anything else was asked of it', async () => {
    const { child, path } = await start();
    await rm(dirname(path), { recursive: true });
    await child.ask({ do: 'close' });
    await child.kill();
    const next = await open(path);
    expect(await next.ask({ do: 'append', ids: ['a', 'b', 'c'] })).toEqual(DUPLICATES);
  });

  it('and is closed while they are elsewhere says so, and has everything when they are back', async () => {
    const { child, path } = await start();
    await rename(dirname(path), `${dirname(path)}.old`);
    await child.ask({ do: 'close' });
    expect(await messages(child)).toEqual([
      expect.stringMatching(/moved outbox\.db while .*; nothing is lost: move outbox\.db/),
    ]);
    await child.kill();
    expect(existsSync(path)).toBe(false);
    await rename(`${dirname(path)}.old`, dirname(path));
    const next = await open(path);
    expect(await next.ask({ do: 'append', ids: ['a', 'b', 'c'] })).toEqual(DUPLICATES);
  });

  it('where the last of them is cut goes on only with everything', async () => {
    const { child, path } = await start();
    await truncate(`${path}-wal`, 32);
    await expect(child.ask({ do: 'append', ids: ['d'] })).rejects.toMatchObject(UNAVAILABLE);
    await expect(child.ask({ do: 'append', ids: ['d'] })).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringMatching(/outbox\.db (lacks 3 events|is damaged|cannot be read)/),
    });
  });

  it('never starts an empty store in their place', async () => {
    const { child, path } = await start();
    const place = dirname(path);
    // The directory cannot be made again, so nothing can be saved.
    await rm(place, { recursive: true });
    await writeFile(place, 'a file');
    await expect(child.ask({ do: 'append', ids: ['d'] })).rejects.toMatchObject(UNAVAILABLE);
    await logged(
      child,
      /cannot be written to its directory \(\w+\) and are lost when the receiver/,
    );
    await rm(place);
    await recovered(child);
    await holdsEverything({ child, path });
  });
});

describe.runIf(slowDiskWorks)('a deleted store on a full disk', () => {
  let shim: SlowDisk;
  beforeAll(async () => {
    shim = await compileSlowDisk();
  });

  it('is held until there is room, and nothing half-made is left', async () => {
    const control = await newPlace();
    const { child, path } = await start({ ...shim.env('outbox.db', control) });
    await rm(dirname(path), { recursive: true });
    await mkdir(dirname(path));
    await writeFile(join(control, shim.fullFile), '');
    await logged(child, /cannot be written to its directory \(database or disk is full\)/);
    expect(readdirSync(dirname(path))).toEqual([]);
    await rm(join(control, shim.fullFile));
    await recovered(child);
    await holdsEverything({ child, path });
  });
});
