import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inProcess } from '../in-process.js';
import { delivery, NOW, named, newEvent, newEvents } from '../samples.js';
import { StillClock } from '../still-clock.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const HOUR = 3_600_000;

it.each([undefined, 2])(
  'remembers nothing of a transaction that failed, and all of those before it (merging at %s)',
  async (mergeSeenAt) => {
    const options = {
      path: join(await newPlace(), 'outbox.db'),
      dedupeWindow: HOUR,
      maxPending: 1e6,
      retention: { age: HOUR },
      durability: 'normal',
    } as const;
    const tuning = mergeSeenAt === undefined ? {} : { mergeSeenAt };
    const { outbox, store } = inProcess(options, new StillClock(NOW), tuning);
    await outbox.open(named('archive'));
    await outbox.append(delivery(newEvents(10)));
    const unsigned = newEvent('unsigned', { authenticated: false });
    await outbox.append(delivery([unsigned]));

    const pages = store().database.prepare('PRAGMA page_count').get().page_count;
    store().database.exec(`PRAGMA max_page_count = ${pages}`);
    const large = newEvents(50, { json: 'x'.repeat(50_000) }, 1_000);
    const signed = newEvent('unsigned');
    await expect(outbox.append(delivery([signed, ...large]))).rejects.toMatchObject({
      code: 'OUTBOX_UNAVAILABLE',
    });
    store().database.exec('PRAGMA max_page_count = 1000000');

    const outcomes = async (...events: Parameters<typeof delivery>) =>
      (await outbox.append(delivery(...events))).map(({ outcome }) => outcome);
    expect(await outcomes([unsigned, ...newEvents(10)])).toEqual(Array(11).fill('duplicate'));
    expect(await outcomes([signed, ...large])).toEqual(Array(51).fill('accepted'));
    expect(await outcomes([unsigned, signed, ...large])).toEqual(Array(52).fill('duplicate'));
    expect((await outbox.stats()).accepted).toBe(62);
  },
);
