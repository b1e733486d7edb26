import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeBackup } from '../../../src/outbox/sqlite/health/backup-file.js';
import { checkStore } from '../../../src/outbox/sqlite/health/check.js';
import { type InProcess, inProcess } from '../in-process.js';
import { claimAll, delivery, idsOf, NOW, named, newEvents, newQuarantined } from '../samples.js';
import { StillClock } from '../still-clock.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const HOUR = 3_600_000;

async function start(path: string): Promise<InProcess> {
  const options = { dedupeWindow: HOUR, maxPending: 1e6, retention: { age: HOUR } };
  const started = inProcess({ path, durability: 'normal', ...options }, new StillClock(NOW));
  await started.outbox.open(named('archive'));
  return started;
}

/** Copies an open store as a command does. `meanwhile` runs until the copy is finished. */
async function backUp(
  { outbox }: InProcess,
  file: string,
  force = false,
  meanwhile = async () => {},
) {
  await outbox.backups.begin();
  await expect(outbox.backups.begin()).rejects.toMatchObject({ code: 'OVERLOADED' });
  while ((await outbox.backups.state()).state === 'copying') await meanwhile();
  expect(await outbox.backups.state()).toEqual({ state: 'copied' });
  const copy = await outbox.backups.take();
  const report = await writeBackup(file, force, (draft) => copyFile(copy, draft));
  await outbox.backups.discard();
  return report;
}

it('copies an open store as of one moment, with everything acknowledged before the copy was begun', async () => {
  const place = await newPlace();
  const started = await start(join(place, 'outbox.db'));
  await started.outbox.append(delivery(newEvents(4_000), [newQuarantined()]));
  let next = 4_000;
  const append = async (): Promise<void> => {
    await started.outbox.append(delivery(newEvents(20, {}, next)));
    next += 20;
  };
  const file = join(place, 'backup.db');
  const report = await backUp(started, file, false, async () => {
    await append();
  });
  expect(report).toMatchObject({ state: 'sound' });
  await append();
  // The mark makes a copy that loses its end a damaged one.
  expect(checkStore(file)).toMatchObject({
    state: 'sound',
    warnings: [],
    mark: { closed: true, quarantined: 1, tail: report.content?.lastPosition },
  });
  const restored = await start(file);
  const ids = idsOf(await claimAll(restored.outbox.consumer('archive', 1), 0, 10_000));
  expect(ids.length).toBeGreaterThanOrEqual(4_000);
  expect(ids).toEqual(Array.from({ length: ids.length }, (_, at) => `m${at}`));
  expect((await readdir(place)).filter((name) => /new-|in-progress/.test(name))).toEqual([]);
});

it('replaces a file only if it shall, and never a store in use', async () => {
  const place = await newPlace();
  const path = join(place, 'outbox.db');
  const started = await start(path);
  await started.outbox.append(delivery(newEvents(1)));
  const file = join(place, 'backup.db');
  await writeFile(file, 'precious');
  await expect(backUp(started, file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await readFile(file, 'utf8')).toBe('precious');
  await started.outbox.backups.discard();
  expect((await backUp(started, file, true)).content).toMatchObject({ events: 1 });
  await expect(backUp(started, path, true)).rejects.toThrow('is a store in use');
});

it('leaves nothing of a copy that is not sound', async () => {
  const place = await newPlace();
  const file = join(place, 'backup.db');
  const torn = writeBackup(file, false, (draft) => writeFile(draft, 'torn'));
  await expect(torn).rejects.toMatchObject({ code: 'OUTBOX_CORRUPT' });
  expect(await readdir(place)).toEqual([]);
});

it('has nothing to read before a copy is finished', async () => {
  const { outbox } = await start(join(await newPlace(), 'outbox.db'));
  expect(await outbox.backups.state()).toEqual({ state: 'none' });
  await expect(outbox.backups.take()).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
