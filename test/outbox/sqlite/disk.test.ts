import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OutboxStats } from '../../../src/outbox/statistics.js';
import { compileSlowDisk, type SlowDisk, slowDiskWorks } from '../../shim/slow-disk.js';
import { type OutboxChild, startOutboxChild } from '../outbox-child.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const running: { child: OutboxChild; disk: Disk }[] = [];
let shim: SlowDisk;

interface Disk {
  hang(on: boolean): Promise<void>;
  fail(on: boolean): Promise<void>;
  full(on: boolean): Promise<void>;
}

/** What a log must never say of a store that may be sound. */
const ADVICE = /move .* away|restore|recover|damaged/;

beforeAll(async () => {
  if (slowDiskWorks) shim = await compileSlowDisk();
});

afterEach(async () => {
  for (const { child, disk } of running.splice(0)) {
    // A process whose thread hangs cannot be reaped before the call returns.
    await disk.hang(false);
    await child.kill();
  }
});

async function start(): Promise<{ child: OutboxChild; disk: Disk; path: string }> {
  const place = await newPlace();
  const path = join(place, 'outbox.db');
  const toggle = (file: string) => (on: boolean) =>
    on ? writeFile(join(place, file), '') : rm(join(place, file), { force: true });
  const disk = {
    hang: toggle(shim.hangFile),
    fail: toggle(shim.failFile),
    full: toggle(shim.fullFile),
  };
  const child = await startOutboxChild(path, shim.env('outbox.db', place));
  running.push({ child, disk });
  return { child, disk, path };
}

describe.runIf(slowDiskWorks)('an outbox on a bad disk', () => {
  it('keeps the event loop running and gives up in time while an fsync hangs', async () => {
    const { child, disk } = await start();
    await child.ask({ do: 'append', ids: ['before'] });
    await disk.hang(true);
    const first = child.ask({ do: 'append', ids: ['first'], patience: 200 });
    await expect(first).rejects.toMatchObject({ name: 'BUDGET_SPENT' });
    const second = child.ask({ do: 'append', ids: ['second'], patience: 50 });
    await expect(second).rejects.toMatchObject({ name: 'BUDGET_SPENT' });
    await expect(child.ask({ do: 'tick' })).resolves.toBe('alive');
    await disk.hang(false);
    // The first was under way and ran on; the second was taken back.
    await expect(child.ask({ do: 'append', ids: ['first', 'second'] })).resolves.toMatchObject([
      { outcome: 'duplicate' },
      { outcome: 'accepted' },
    ]);
  });

  it('fails the probe while an fsync hangs', async () => {
    const { child, disk } = await start();
    await disk.hang(true);
    await expect(child.ask({ do: 'probe' })).rejects.toMatchObject({ name: 'OUTBOX_UNAVAILABLE' });
    await disk.hang(false);
    await expect(child.ask({ do: 'probe' })).resolves.toBeUndefined();
  });

  it('does not hang in close while an fsync hangs, and says that it is not closed', async () => {
    const { child, disk } = await start();
    await disk.hang(true);
    const append = child.ask({ do: 'append', ids: ['a'], patience: 100 });
    await expect(append).rejects.toMatchObject({ name: 'BUDGET_SPENT' });
    await expect(child.ask({ do: 'close' })).rejects.toMatchObject({
      name: 'OUTBOX_UNAVAILABLE',
      message: expect.stringMatching(/did not close cleanly/),
    });
  });

  it('rejects while fsync fails, and recovers without a restart', async () => {
    const { child, disk, path } = await start();
    await child.ask({ do: 'append', ids: ['kept'] });
    await disk.fail(true);
    const failed = [1, 2, 3].map((at) => child.ask({ do: 'append', ids: [`failed${at}`] }));
    for (const each of failed) {
      await expect(each).rejects.toMatchObject({ name: 'OUTBOX_UNAVAILABLE' });
    }
    const logged = JSON.stringify(await child.ask({ do: 'errors' }));
    expect(logged).toMatch(/check its disk/);
    expect(logged).not.toMatch(ADVICE);
    await disk.fail(false);
    await recovered(child);
    await child.ask({ do: 'append', ids: ['later'] });
    await child.kill();
    const next = await startOutboxChild(path);
    await expect(next.ask({ do: 'append', ids: ['kept', 'later'] })).resolves.toMatchObject([
      { outcome: 'duplicate' },
      { outcome: 'duplicate' },
    ]);
    await next.kill();
  });

  it('rejects while the disk is full, writing nothing, and recovers when there is room', async () => {
    const { child, disk } = await start();
    await child.ask({ do: 'append', ids: ['kept'] });
    const before = (await child.ask({ do: 'stats' })) as OutboxStats;
    await disk.full(true);
    const failed = child.ask({ do: 'append', ids: ['kept', 'new'] });
    await expect(failed).rejects.toMatchObject({
      name: 'OUTBOX_UNAVAILABLE',
      message: expect.stringMatching(/full/),
    });
    await disk.full(false);
    expect(await child.ask({ do: 'stats' })).toEqual(before);
    await expect(child.ask({ do: 'append', ids: ['kept', 'new'] })).resolves.toMatchObject([
      { outcome: 'duplicate' },
      { outcome: 'accepted' },
    ]);
  });
});

describe.runIf(slowDiskWorks)('a start on a disk that does not give what it holds', () => {
  const PAGE = 8_192;

  it.each([
    ['nothing of the store', 'outbox.db', 0],
    ['only its head', 'outbox.db', 2 * PAGE],
    ['only its first pages', 'outbox.db', 6 * PAGE],
    ['nothing of its -wal', 'outbox.db-wal', 0],
    ['nothing of its mark', 'outbox.db-mark', 0],
  ])('%s fails without advice to replace it, and changes nothing', async (_, file, offset) => {
    const place = await newPlace();
    const path = join(place, 'outbox.db');
    const first = await startOutboxChild(path);
    await first.ask({ do: 'append', ids: Array.from({ length: 900 }, (_, at) => `m${at}`) });
    await first.kill();
    const before = await contentsOf(place);
    await writeFile(join(place, shim.unreadableFile), String(offset));
    const failed = startOutboxChild(path, shim.env(file, place)).then(
      () => 'open',
      (error: Error) => `${error.name}: ${error.message}`,
    );
    expect(await failed).toMatch(/^START_FAILED: .*disk/);
    expect(await failed).not.toMatch(ADVICE);
    expect(await contentsOf(place)).toEqual(before);
    await rm(join(place, shim.unreadableFile));
    const next = await startOutboxChild(path);
    expect(await next.ask({ do: 'stats' })).toMatchObject({ accepted: 900 });
    expect(await next.ask({ do: 'warnings' })).toEqual([]);
    await next.kill();
  });
});

/** Of the store in this directory, without SQLite's scratch. */
async function contentsOf(place: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for (const suffix of ['', '-wal', '-mark']) {
    contents[suffix] = await readFile(join(place, `outbox.db${suffix}`), 'latin1');
  }
  return contents;
}

/** Waits until writes are taken again: after an error the store opens anew, at most once a second. */
async function recovered(child: OutboxChild): Promise<void> {
  for (;;) {
    const taken = await child.ask({ do: 'probe' }).then(
      () => true,
      () => false,
    );
    if (taken) return;
  }
}
