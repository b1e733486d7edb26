import { readdirSync } from 'node:fs';
import { copyFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect, it } from 'vitest';
import { createStoreFile } from '../../../../src/outbox/sqlite/file/create.js';
import { openDatabase } from '../../../../src/outbox/sqlite/file/open.js';
import { MIGRATIONS } from '../../../../src/outbox/sqlite/file/schema.js';
import { checkStore } from '../../../../src/outbox/sqlite/health/check.js';
import { inProcess } from '../../in-process.js';
import {
  claim,
  delivery,
  NOW,
  named,
  newEvent,
  newEvents,
  newQuarantined,
  settle,
} from '../../samples.js';
import { StillClock } from '../../still-clock.js';
import { temporaryPlaces } from '../../temporary-places.js';

const newPlace = temporaryPlaces();

/** A store with three events, one of them delivered and one a dead letter, and an entry in quarantine; `spoil` is SQL. */
async function storeWith(spoil = ''): Promise<string> {
  const path = join(await newPlace(), 'outbox.db');
  const options = {
    path,
    durability: 'full',
    dedupeWindow: 3_600_000,
    maxPending: 100,
    retention: { age: 3_600_000 },
  } as const;
  const { outbox } = inProcess(options, new StillClock(NOW));
  await outbox.open(named('archive'));
  await outbox.append(delivery(newEvents(3), [newQuarantined()]));
  const consumer = outbox.consumer('archive', 1);
  const [first, second] = await claim(consumer, 0, 3);
  await settle(consumer, [
    { id: String(first?.id), outcome: 'done' },
    { id: String(second?.id), outcome: 'dead', attempt: { at: NOW, error: 'refused' } },
  ]);
  await outbox.append(delivery([newEvent('last', { orderKey: 'k\0k' })]));
  await outbox.close();
  // This process keeps the file of a closed store locked.
  const copy = join(await newPlace(), 'outbox.db');
  await copyFile(path, copy);
  const copied = new DatabaseSync(copy);
  copied.exec(spoil);
  copied.close();
  return copy;
}

describe('the check of a store', () => {
  it('finds nothing wrong with one that is sound, and makes no file beside it', async () => {
    const path = await storeWith();
    expect(checkStore(path)).toEqual({
      state: 'sound',
      problems: [],
      warnings: [],
      size: { database: expect.any(Number), wal: 0 },
      mark: 'none',
      content: {
        schemaVersion: expect.any(Number),
        accepted: 4,
        duplicates: 0,
        quarantined: 1,
        lastPosition: 4,
        events: 4,
        inQuarantine: 1,
        deadLetters: 1,
        sinks: [
          {
            name: 'archive',
            configured: true,
            pending: 2,
            oldestReceivedAt: NOW,
            delivered: 1,
            deadLetters: 1,
          },
        ],
      },
    });
    expect(readdirSync(join(path, '..'))).toEqual(['outbox.db']);
  });

  it.each<[string, string, RegExp]>([
    [
      'an event that is not delivered is missing',
      'DELETE FROM event WHERE position = 3',
      /missing events that were not delivered to every sink: 1/,
    ],
    [
      'a counter of pending events is wrong',
      'UPDATE sink SET pending = 7',
      /pending of archive: the counter says 7, but there are 2/,
    ],
    [
      'a counter of dead letters is wrong',
      'UPDATE sink SET dead = 0',
      /dead letters of archive: the counter says 0, but there are 1/,
    ],
    [
      'an entry of quarantine is missing',
      'DELETE FROM quarantine',
      /quarantine: the counter says 1, but there are 0/,
    ],
    [
      'a dead letter is nobody’s',
      'UPDATE dead_letter SET sink = 9',
      /dead letters of an unknown sink: 1/,
    ],
    [
      'an event holds garbage',
      "UPDATE event SET json = 'ZZZZ' WHERE position = 2",
      /is damaged: 1 entry has changed since it was written/,
    ],
    [
      'events are beyond the last position',
      'UPDATE ledger SET tail = 3',
      /events after the last position, 3/,
    ],
  ])('tells where %s', async (_, spoil, problem) => {
    const report = checkStore(await storeWith(spoil));
    expect(report.state).toBe('damaged');
    expect(report.problems.join('\n')).toMatch(problem);
  });

  it.each(MIGRATIONS.map((_, at) => at + 1))(
    'reads a store of schema version %i',
    async (version) => {
      const path = join(await newPlace(), 'outbox.db');
      createStoreFile(path, MIGRATIONS.slice(0, version));
      expect(checkStore(path)).toMatchObject({
        state: 'sound',
        problems: [],
        content: { schemaVersion: version, events: 0 },
      });
      openDatabase(path, 'full').close();
    },
  );

  it('tells of a database of another program that it is none', async () => {
    const path = join(await newPlace(), 'outbox.db');
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE precious (x)');
    other.close();
    expect(checkStore(path)).toMatchObject({
      state: 'unusable',
      problems: [expect.stringMatching(/^outbox\.db is a database of another program/)],
    });
  });

  it('tells of what is no file that it is none', async () => {
    const place = await newPlace();
    await symlink(place, join(place, 'outbox.db'));
    expect(checkStore(join(place, 'outbox.db'))).toMatchObject({
      state: 'unusable',
      problems: ['outbox.db is a directory; set outbox.path to a file'],
    });
  });
});
