import { existsSync, statSync } from 'node:fs';
import { cp, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MarkWriter, readMark } from '../../../../src/outbox/sqlite/health/mark.js';
import type { OutboxStats } from '../../../../src/outbox/statistics.js';
import { type OutboxChild, startOutboxChild } from '../../outbox-child.js';
import { temporaryPlaces } from '../../temporary-places.js';

const newPlace = temporaryPlaces();
const children: OutboxChild[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
});

async function start(path: string, durability: 'full' | 'normal' = 'full'): Promise<OutboxChild> {
  const child = await startOutboxChild(path, { OUTBOX_DURABILITY: durability });
  children.push(child);
  return child;
}

/** A store whose process was killed after it had acknowledged three events and two entries for quarantine. */
async function killed(durability: 'full' | 'normal' = 'full'): Promise<string> {
  const path = join(await newPlace(), 'outbox.db');
  const child = await start(path, durability);
  await child.ask({ do: 'append', ids: ['a', 'b'] });
  await child.ask({ do: 'append', ids: ['c'], quarantined: 1 });
  await child.ask({ do: 'append', quarantined: 1 });
  await child.kill();
  return path;
}

describe('the mark of a store', () => {
  it('says how far it was when its process was killed, and is for its owner only', async () => {
    const path = await killed();
    expect(readMark(path)).toEqual({
      store: expect.stringMatching(/^[0-9a-f]{16}$/),
      tail: 3,
      quarantined: 2,
      durability: 'full',
      closed: false,
    });
    expect(statSync(`${path}-mark`).mode & 0o777).toBe(0o600);
  });

  it('is not in the way of what was only killed or closed', async () => {
    const path = await killed();
    const child = await start(path);
    await child.ask({ do: 'close' });
    expect(readMark(path)).toMatchObject({ tail: 3, quarantined: 2, closed: true });
    const next = await start(path);
    expect(await next.ask({ do: 'stats' })).toMatchObject({ accepted: 3, quarantined: 2 });
    expect(await next.ask({ do: 'warnings' })).toEqual([]);
    expect(readMark(path)).toMatchObject({ closed: false });
  });

  it('makes a start fail where the -wal was taken away, until it is put back', async () => {
    const path = await killed();
    const log = await readFile(`${path}-wal`);
    await rm(`${path}-wal`);
    const store = await readFile(path);
    await expect(start(path)).rejects.toMatchObject({
      name: 'OUTBOX_CORRUPT',
      message: expect.stringMatching(
        /^outbox\.db lacks 3 events and 2 quarantined entries that were acknowledged.* remove outbox\.db-mark to continue without them$/,
      ),
    });
    expect(await readFile(path)).toEqual(store);
    await writeFile(`${path}-wal`, log);
    const child = await start(path);
    const again = await child.ask({ do: 'append', ids: ['a', 'b', 'c'] });
    expect(again).toEqual(Array.from({ length: 3 }, () => ({ outcome: 'duplicate' })));
  });

  it('tells of a loss of nothing but quarantine', async () => {
    const path = join(await newPlace(), 'outbox.db');
    const child = await start(path);
    await child.ask({ do: 'append', quarantined: 1 });
    await child.kill();
    await rm(`${path}-wal`);
    await expect(start(path)).rejects.toMatchObject({
      message: expect.stringMatching(/lacks 1 quarantined entry that/),
    });
  });

  it('lets the operator go on without what is missing by removing it', async () => {
    const path = await killed();
    await rm(`${path}-wal`);
    await rm(`${path}-mark`);
    const child = await start(path);
    expect(((await child.ask({ do: 'stats' })) as OutboxStats).accepted).toBe(0);
    expect(readMark(path)).toMatchObject({ tail: 0, quarantined: 0 });
  });

  it('only warns where durability is normal, since a power cut may do that', async () => {
    const path = await killed('normal');
    await rm(`${path}-wal`);
    const child = await start(path, 'normal');
    expect(await child.ask({ do: 'warnings' })).toEqual([
      expect.stringMatching(/has lost 3 events and 2 quarantined entries.*power failure/),
    ]);
    expect(readMark(path)).toMatchObject({ tail: 0, quarantined: 0, durability: 'normal' });
  });

  it('makes a start fail where the store is gone, rather than start an empty one', async () => {
    const path = await killed();
    await rm(path);
    await rm(`${path}-wal`);
    await expect(start(path)).rejects.toMatchObject({
      name: 'OUTBOX_CORRUPT',
      message: expect.stringMatching(/is missing but outbox\.db-mark exists/),
    });
    expect(existsSync(path)).toBe(false);
  });

  it('makes a start fail where another store was put in place of its own', async () => {
    const [path, other] = [await killed(), await killed()];
    await cp(other, path);
    await cp(`${other}-wal`, `${path}-wal`);
    await expect(start(path)).rejects.toMatchObject({
      name: 'OUTBOX_CORRUPT',
      message: expect.stringMatching(/belongs to another store/),
    });
  });

  it.each<[string, (mark: string) => Promise<void>]>([
    ['torn', (mark) => truncate(mark, 50)],
    ['empty', (mark) => truncate(mark, 0)],
    ['garbage', (mark) => writeFile(mark, 'x'.repeat(500))],
    [
      'of a changed number',
      async (mark) => writeFile(mark, (await readFile(mark, 'latin1')).replace('3 q', '9 q')),
    ],
  ])('is written anew, with a warning, where it is %s', async (_, spoil) => {
    const path = await killed();
    await spoil(`${path}-mark`);
    expect(readMark(path)).toBe('unreadable');
    const child = await start(path);
    expect(await child.ask({ do: 'warnings' })).toEqual([
      expect.stringMatching(/^outbox\.db-mark cannot be read and is rewritten/),
    ]);
    expect(await child.ask({ do: 'stats' })).toMatchObject({ accepted: 3 });
    expect(readMark(path)).toMatchObject({ tail: 3, quarantined: 2 });
  });

  it.runIf(existsSync('/dev/full'))('is one warning where the disk is full', async () => {
    const path = join(await newPlace(), 'outbox.db');
    await symlink('/dev/full', `${path}-mark`);
    const warnings: string[] = [];
    const writer = new MarkWriter(path, { store: 'a', durability: 'full' }, (warning) => {
      warnings.push(warning);
    });
    writer.note({ tail: 1, quarantined: 0 });
    writer.note({ tail: 2, quarantined: 0 });
    writer.close({ tail: 2, quarantined: 0 });
    expect(warnings).toEqual([
      expect.stringMatching(/^outbox\.db-mark cannot be written \(ENOSPC\): events are safe/),
    ]);
  });

  it('is one warning where it cannot be made, and events are taken all the same', async () => {
    const path = await killed();
    await rm(`${path}-mark`);
    await mkdir(`${path}-mark`);
    const child = await start(path);
    await child.ask({ do: 'append', ids: ['d'] });
    await child.ask({ do: 'append', ids: ['e'] });
    expect(await child.ask({ do: 'warnings' })).toEqual([
      expect.stringMatching(/^outbox\.db-mark cannot be read/),
      expect.stringMatching(/^outbox\.db-mark cannot be written \(EISDIR\): events are safe/),
    ]);
    expect(await child.ask({ do: 'stats' })).toMatchObject({ accepted: 5 });
  });
});
