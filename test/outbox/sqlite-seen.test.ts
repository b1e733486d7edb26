import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Ledger } from '../../src/outbox/sqlite-ledger.js';
import { openDatabase } from '../../src/outbox/sqlite-open.js';
import { SeenIds } from '../../src/outbox/sqlite-seen.js';
import { NOW, newEvent } from './samples.js';
import { temporaryPlaces } from './temporary-places.js';

const newPlace = temporaryPlaces();
const WINDOW = 100;

const arrival = fc.record({
  id: fc.nat(5),
  authenticated: fc.boolean(),
  wait: fc.constantFrom(0, 1, 40, 60, 99, 100, 101, 250),
});

it('knows exactly what was accepted within the window, however the generations fall', async () => {
  const place = await newPlace();
  let stores = 0;
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 60 }), (arrivals) => {
      stores += 1;
      const database = openDatabase(join(place, `${stores}.db`), 'normal');
      const seen = new SeenIds(database, new Ledger(database), WINDOW);
      const accepted: { id: number; at: number; authenticated: boolean }[] = [];
      let now = NOW;
      for (const { id, authenticated, wait } of arrivals) {
        now += wait;
        seen.rotate(now);
        const expected = accepted.some(
          (earlier) =>
            earlier.id === id &&
            now - earlier.at < WINDOW &&
            (earlier.authenticated || !authenticated),
        );
        expect(seen.take(newEvent(`m${id}`, { authenticated }), now)).toBe(expected);
        if (!expected) accepted.push({ id, at: now, authenticated });
      }
      const rows = database
        .prepare('SELECT (SELECT count(*) FROM seen_0) + (SELECT count(*) FROM seen_1) AS n')
        .get().n;
      // Bounded: nothing is kept for longer than two windows and the wait for the next arrival.
      expect(rows).toBeLessThanOrEqual(12);
      database.close();
    }),
    { numRuns: 60 },
  );
});

it('forgets for good what two generations ago was, so that the tables do not grow', async () => {
  const database = openDatabase(join(await newPlace(), 'outbox.db'), 'normal');
  const seen = new SeenIds(database, new Ledger(database), WINDOW);
  for (let now = NOW; now < NOW + 10 * WINDOW; now += 1) {
    seen.rotate(now);
    seen.take(newEvent(`m${now}`), now);
  }
  const { n } = database
    .prepare('SELECT (SELECT count(*) FROM seen_0) + (SELECT count(*) FROM seen_1) AS n')
    .get();
  expect(n).toBeLessThanOrEqual(2 * WINDOW);
  expect(n).toBeGreaterThanOrEqual(WINDOW);
});
