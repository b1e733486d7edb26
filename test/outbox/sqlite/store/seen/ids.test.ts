import { join } from 'node:path';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NewEvent } from '../../../../../src/outbox/intake.js';
import { openDatabase } from '../../../../../src/outbox/sqlite/file/open.js';
import { Counters } from '../../../../../src/outbox/sqlite/store/counters.js';
import { SeenIds } from '../../../../../src/outbox/sqlite/store/seen/ids.js';
import { NOW, newEvent, newEvents } from '../../../samples.js';
import { temporaryPlaces } from '../../../temporary-places.js';

const newPlace = temporaryPlaces();
const WINDOW = 100;

const arrivals = fc.array(fc.record({ id: fc.nat(12), authenticated: fc.boolean() }), {
  maxLength: 5,
});
const transaction = fc.record({
  arrivals,
  /** Taken after those and taken back again, as where an outbox is full. */
  refused: arrivals,
  wait: fc.constantFrom(0, 1, 40, 60, 99, 100, 101, 250),
  end: fc.constantFrom('commit', 'commit', 'commit', 'roll back', 'restart'),
});

interface Accepted {
  readonly id: number;
  readonly at: number;
  readonly authenticated: boolean;
}

it('knows exactly what was accepted within the window, however generations, merges, rollbacks and restarts fall', async () => {
  const place = await newPlace();
  let stores = 0;
  fc.assert(
    fc.property(
      fc.array(transaction, { maxLength: 40 }),
      fc.constantFrom(1, 2, 3, 7, 1_000),
      (transactions, mergeAt) => {
        stores += 1;
        const database = openDatabase(join(place, `${stores}.db`), 'normal');
        const counters = new Counters(database);
        let seen = new SeenIds(database, counters, WINDOW, mergeAt);
        let accepted: readonly Accepted[] = [];
        let now = NOW;
        for (const { arrivals, refused, wait, end } of transactions) {
          now += wait;
          const trial = [...accepted];
          const take = (events: readonly (NewEvent & { id: number })[], into: Accepted[]): void => {
            for (const event of events) {
              const { id, authenticated } = event;
              const expected = into.some(
                (earlier) =>
                  earlier.id === id &&
                  now - earlier.at < WINDOW &&
                  (earlier.authenticated || !authenticated),
              );
              expect(seen.take(event, now)).toBe(expected);
              if (!expected) into.push({ id, at: now, authenticated });
            }
          };
          const events = (of: typeof arrivals) =>
            of.map((each) => ({ ...newEvent(`m${each.id}`, each), id: each.id }));
          const [taken, takenBack] = [events(arrivals), events(refused)];
          database.exec('BEGIN');
          seen.begin([...taken, ...takenBack], now);
          take(taken, trial);
          const { mark } = seen;
          take(takenBack, [...trial]);
          seen.returnTo(mark);
          seen.write();
          counters.save();
          if (end === 'roll back') {
            database.exec('ROLLBACK');
            counters.load();
            seen.rolledBack();
            continue;
          }
          database.exec('COMMIT');
          seen.committed();
          accepted = trial;
          if (end === 'restart') seen = new SeenIds(database, counters, WINDOW, mergeAt);
        }
        database.close();
      },
    ),
    { numRuns: 150 },
  );
});

/** One transaction that takes these; which of them were duplicates. */
function takeAll(
  database: DatabaseSyncInstance,
  seen: SeenIds,
  events: readonly NewEvent[],
  now = NOW,
): boolean[] {
  database.exec('BEGIN');
  seen.begin(events, now);
  const duplicates = events.map((event) => seen.take(event, now));
  seen.write();
  database.exec('COMMIT');
  seen.committed();
  return duplicates;
}

const count = (database: DatabaseSyncInstance, what: string): number =>
  database.prepare(`SELECT count(*) AS n FROM ${what}`).get().n;

async function start(mergeAt?: number) {
  const database = openDatabase(join(await newPlace(), 'outbox.db'), 'normal');
  const counters = new Counters(database);
  // The first transaction lets the generations take turns; this one only gets it over with.
  const seen = new SeenIds(database, counters, WINDOW, mergeAt);
  takeAll(database, seen, []);
  return { database, counters, seen };
}

it('forgets for good what two generations ago was, so that the tables do not grow', async () => {
  const { database, seen } = await start(10);
  for (let now = NOW; now < NOW + 10 * WINDOW; now += 1) {
    takeAll(database, seen, [newEvent(`m${now}`)], now);
  }
  const rows = count(database, 'seen_0') + count(database, 'seen_1');
  expect(rows).toBeLessThanOrEqual(2 * WINDOW + 20);
  expect(rows).toBeGreaterThanOrEqual(WINDOW);
});

it('forgets nothing early where the clock goes back and then forward again', async () => {
  const { database, seen } = await start(1);
  takeAll(database, seen, [newEvent('a')], NOW + 90);
  takeAll(database, seen, [newEvent('b')], NOW + 95);
  // The generations take turns: from here on `a` is in the earlier one.
  takeAll(database, seen, [newEvent('c')], NOW + 100);
  takeAll(database, seen, [newEvent('d')], NOW + 60);
  expect(takeAll(database, seen, [newEvent('a')], NOW + 180)).toEqual([true]);
  expect(takeAll(database, seen, [newEvent('a')], NOW + 190)).toEqual([false]);
});

it('still forgets where the clock goes back for good, so that the tables do not grow', async () => {
  const { database, seen } = await start(10);
  const from = NOW - 50 * WINDOW;
  for (let now = from; now < from + 10 * WINDOW; now += 1) {
    takeAll(database, seen, [newEvent(`m${now}`)], now);
  }
  expect(count(database, 'seen_0') + count(database, 'seen_1')).toBeLessThanOrEqual(3 * WINDOW);
});

it('writes keys to their table in slices of a hundred, and cuts the log when all are there', async () => {
  const { database, seen } = await start(1_000);
  const rows = (): number => count(database, 'seen_0') + count(database, 'seen_1');
  takeAll(database, seen, newEvents(1_000));
  expect([rows(), count(database, 'seen_log')]).toEqual([0, 1]);
  const steps: number[] = [];
  for (let at = 0; at < 20; at += 1) {
    takeAll(database, seen, newEvents(50, {}, 1_000 + at * 50));
    steps.push(rows());
  }
  expect(steps.slice(0, 6)).toEqual([0, 100, 100, 200, 200, 300]);
  expect(rows()).toBe(1_000);
  // The twenty transactions since then.
  takeAll(database, seen, newEvents(100, {}, 5_000));
  expect(count(database, 'seen_log')).toBeLessThanOrEqual(22);
  expect(takeAll(database, seen, newEvents(2_000))).not.toContain(false);
});

it('keeps memory and log bounded where deliveries are larger than what is merged at once', async () => {
  const { database, counters, seen } = await start(100);
  for (let at = 0; at < 10; at += 1) takeAll(database, seen, newEvents(1_500, {}, at * 1_500));
  const rows = count(database, 'seen_0') + count(database, 'seen_1');
  expect(rows).toBeGreaterThanOrEqual(15_000 - 3 * 1_500);
  expect(count(database, 'seen_log')).toBeLessThanOrEqual(4);
  const again = new SeenIds(database, counters, WINDOW, 100);
  expect(takeAll(database, again, newEvents(15_000))).not.toContain(false);
});

it('looks up what it is asked about before, so that nothing is taken for new that it has not looked for', async () => {
  const { database, seen } = await start();
  database.exec('BEGIN');
  seen.begin([], NOW);
  expect(() => seen.take(newEvent('a'), NOW)).toThrow(TypeError);
  database.exec('ROLLBACK');
});

it('cuts nothing off the log that is not merged, also where a transaction failed just before', async () => {
  const { database, counters, seen } = await start(1_000);
  takeAll(database, seen, newEvents(50));
  // By its smaller number all of these are to be merged, from the next transaction on.
  const again = new SeenIds(database, counters, WINDOW, 10);
  const failed = newEvent('failed');
  database.exec('BEGIN');
  again.begin([failed], NOW);
  again.take(failed, NOW);
  again.write();
  database.exec('ROLLBACK');
  again.rolledBack();
  takeAll(database, again, []);
  takeAll(database, again, newEvents(60, {}, 100));
  const last = new SeenIds(database, counters, WINDOW, 1_000);
  expect(takeAll(database, last, [...newEvents(50), ...newEvents(60, {}, 100)])).not.toContain(
    false,
  );
  expect(takeAll(database, last, [failed])).toEqual([false]);
});
