import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type InProcess, inProcess } from '../in-process.js';
import {
  claim,
  claimAll,
  delivery,
  done,
  idsOf,
  NOW,
  named,
  newEvent,
  newEvents,
  newQuarantined,
  settle,
} from '../samples.js';
import { StillClock } from '../still-clock.js';
import { temporaryPlaces } from '../temporary-places.js';

const newPlace = temporaryPlaces();
const HOUR = 3_600_000;
const OPTIONS = {
  dedupeWindow: HOUR,
  maxPending: 1e6,
  retention: { age: HOUR },
  durability: 'normal',
} as const;

/** Without a consumer while events are appended, so that they are read from the store. */
async function start(texts: readonly string[]): Promise<InProcess & { clock: StillClock }> {
  const clock = new StillClock(NOW);
  const path = join(await newPlace(), 'outbox.db');
  const started = inProcess({ path, ...OPTIONS }, clock);
  await started.outbox.open(named('archive'));
  const events = newEvents(texts.length).map((event, at) => {
    return { ...event, json: JSON.stringify({ messageId: event.messageId, text: texts[at] }) };
  });
  await started.outbox.append(delivery(events));
  return { ...started, clock };
}

/** As a page that was overwritten within a payload, which is sound for SQLite. */
function garble({ store }: InProcess, position: number, column = 'json'): void {
  store().database.exec(
    `UPDATE event SET ${column} = substr(${column}, 1, length(${column}) - 3) || 'ZZZ' WHERE position = ${position}`,
  );
}

const LARGE = 'x'.repeat(100_000);

it.each([
  ['small', ['', '', '']],
  ['large, and read when it is claimed', ['', LARGE, LARGE]],
])(
  'delivers no garbled event that is %s, but makes it a dead letter, and goes on',
  async (_, texts) => {
    const started = await start(texts);
    garble(started, 2);
    const { outbox } = started;
    const consumer = outbox.consumer('archive', 1);
    const claimed = await claimAll(consumer);
    expect(idsOf(claimed)).toEqual(['m0', 'm2']);
    await settle(consumer, done(claimed));
    const { sinks } = await outbox.stats();
    expect(sinks[0]).toMatchObject({ pending: 0, delivered: 2, deadLetters: 1 });
    const [letter] = await outbox.deadLetters.list({ limit: 9 });
    expect(letter?.attempts).toEqual([
      {
        at: NOW,
        error: expect.stringMatching(/damaged in the store: its checksum does not match$/),
      },
    ]);
    expect(letter?.json).toMatch(/ZZZ$/);
    expect(started.errors).toEqual([
      expect.stringMatching(/events are damaged in the outbox.*trackbridge outbox check$/),
    ]);
  },
);

it('does not deliver an event whose order key is garbled', async () => {
  const started = await start(['', '']);
  garble(started, 1, 'order_key');
  const claimed = await claimAll(started.outbox.consumer('archive', 1));
  expect(idsOf(claimed)).toEqual(['m1']);
});

it('gives up no event twice, and drops one that is garbled while it is claimed', async () => {
  const started = await start(['', LARGE]);
  const consumer = started.outbox.consumer('archive', 1);
  const claimed = await claimAll(consumer);
  garble(started, 2);
  const texts = await consumer.read(claimed.map(({ id }) => id));
  expect([...texts.keys()]).toEqual([claimed[0]?.id]);
  await settle(consumer, done(claimed));
  const { sinks } = await started.outbox.stats();
  expect(sinks[0]).toMatchObject({ pending: 0, delivered: 1, deadLetters: 1 });
});

it('takes an event of an older store, which has no checksum, as it is', async () => {
  const started = await start(['']);
  started.store().database.exec('UPDATE event SET sum = NULL');
  garble(started, 1);
  const [claimed] = await claim(started.outbox.consumer('archive', 1), 0, 9);
  expect(claimed?.json).toMatch(/ZZZ$/);
});

it('says once a minute how many there were, however many there are', async () => {
  const started = await start(Array.from({ length: 1_500 }, () => ''));
  started.store().database.exec("UPDATE event SET json = json || ' '");
  const consumer = started.outbox.consumer('archive', 1);
  expect(await claimAll(consumer)).toEqual([]);
  expect(started.errors).toHaveLength(1);
  started.clock.move(60_000);
  await started.outbox.append(delivery([newEvent('late')]));
  expect(started.errors).toHaveLength(1);
  expect(idsOf(await claimAll(consumer))).toEqual(['late']);
  expect((await started.outbox.stats()).sinks[0]).toMatchObject({ deadLetters: 1_500 });
});

it('requeues no garbled dead letter, and says that it stays', async () => {
  const started = await start(['', '', '']);
  garble(started, 2);
  const { outbox } = started;
  const consumer = outbox.consumer('archive', 1);
  const attempt = { at: NOW, error: 'rejected' };
  const claimed = await claimAll(consumer);
  await settle(
    consumer,
    claimed.map(({ id }) => ({ id, outcome: 'dead', attempt }) as const),
  );
  const letters = await outbox.deadLetters.list({ limit: 9 });
  expect(await outbox.deadLetters.requeue(letters.map(({ id }) => id))).toEqual({
    requeued: 2,
    kept: [{ sink: 'archive', events: 1, why: 'garbled' }],
  });
  expect(await outbox.deadLetters.list({ limit: 9 })).toHaveLength(1);
  expect(idsOf(await claimAll(consumer))).toEqual(['m0', 'm2']);
});

it('accepts no garbled entry of the quarantine', async () => {
  const started = await start([]);
  const { outbox } = started;
  await outbox.append(delivery([], [newQuarantined()]));
  started.store().database.exec("UPDATE quarantine SET raw = raw || ' '");
  const [entry] = await outbox.quarantine.list({ limit: 1 });
  await expect(outbox.quarantine.accept(String(entry?.id), newEvent('m1'))).rejects.toMatchObject({
    code: 'EVENT_INVALID',
    message: expect.stringMatching(/damaged in the store: its checksum does not match/),
  });
  expect(await outbox.stats()).toMatchObject({ inQuarantine: 1, accepted: 0 });
});
