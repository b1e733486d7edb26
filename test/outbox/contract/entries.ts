import { describe, expect, it } from 'vitest';
import type { Consumer } from '../../../src/outbox/feed.js';
import type { NewQuarantined } from '../../../src/outbox/intake.js';
import type { Outbox } from '../../../src/outbox/outbox.js';
import {
  claim,
  claimAll,
  delivery,
  done,
  idsOf,
  NOW,
  newEvent,
  newEvents,
  newQuarantined,
  settle,
} from '../samples.js';
import type { StillClock } from '../still-clock.js';
import { contractTools, type Harness } from './tools.js';

/** What every outbox does with what was set aside, and across a restart. */
export function entriesContract(name: string, harness: Harness): void {
  const { start, outcomes, sink, codeOf } = contractTools(harness);

  describe(`${name}: dead letters`, () => {
    async function withDeadLetters(
      count: number,
    ): Promise<{ outbox: Outbox; consumer: Consumer; clock: StillClock }> {
      const { outbox, clock } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(count));
      const consumer = outbox.consumer('archive', 1);
      const claimed = await claim(consumer, 0, count);
      await settle(
        consumer,
        claimed.map(({ id }) => ({ id, outcome: 'retry', attempt: { at: NOW, error: 'first' } })),
      );
      await settle(
        consumer,
        claimed.map(({ id }) => ({
          id,
          outcome: 'dead',
          attempt: { at: NOW + 9, error: 'last', farSide: 'too large' },
        })),
      );
      return { outbox, consumer, clock };
    }

    it('keeps the event, its sink and all attempts', async () => {
      const { outbox } = await withDeadLetters(1);
      const [letter] = await outbox.deadLetters.list({ limit: 10 });
      expect(letter).toEqual({
        id: expect.any(String),
        sink: 'archive',
        at: NOW + 9,
        attempts: [
          { at: NOW, error: 'first' },
          { at: NOW + 9, error: 'last', farSide: 'too large' },
        ],
        json: newEvent('m0').json,
      });
      expect(await outbox.deadLetters.get(letter?.id ?? '')).toEqual(letter);
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 0, deadLetters: 1 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 1, deadLetters: 0 });
    });

    it('lists oldest first, by sink and by page', async () => {
      const { outbox } = await withDeadLetters(5);
      const page = await outbox.deadLetters.list({ limit: 2, name: 'archive' });
      expect(page.map(({ json }) => JSON.parse(json).messageId)).toEqual(['m0', 'm1']);
      const next = await outbox.deadLetters.list({ limit: 9, after: page[1]?.id ?? '' });
      expect(next.map(({ json }) => JSON.parse(json).messageId)).toEqual(['m2', 'm3', 'm4']);
      expect(await outbox.deadLetters.list({ limit: 9, name: 'orders' })).toEqual([]);
    });

    it('replays an event for its own sink only, at the end of the line', async () => {
      const { outbox, consumer } = await withDeadLetters(1);
      await outcomes(outbox, [newEvent('later')]);
      const [letter] = await outbox.deadLetters.list({ limit: 1 });
      const requeued = await outbox.deadLetters.requeue([letter?.id ?? '', 'nonsense']);
      expect(requeued).toEqual({ requeued: 1, kept: [] });
      expect(await outbox.deadLetters.list({ limit: 1 })).toEqual([]);
      expect(await sink(outbox)).toMatchObject({ pending: 2, deadLetters: 0 });
      const again = await claimAll(consumer);
      expect(idsOf(again)).toEqual(['later', 'm0']);
      expect(again[1]?.attempts).toEqual([]);
      await settle(consumer, done(again));
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 2 });
      const orders = outbox.consumer('orders', 1);
      const others = await claimAll(orders);
      expect(idsOf(others)).toEqual(['m0', 'later']);
      await settle(orders, done(others));
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 0, delivered: 2 });
    });

    it('replays as many as their sink has room for, and keeps the others', async () => {
      const { outbox } = await start([{ name: 'archive', maxPending: 3 }, 'orders']);
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const attempt = { at: NOW, error: 'no' };
      const claimed = await claimAll(consumer);
      await settle(
        consumer,
        claimed.map(({ id }) => ({ id, outcome: 'dead', attempt })),
      );
      await outcomes(outbox, [newEvent('later')]);
      const ids = (await outbox.deadLetters.list({ limit: 9 })).map(({ id }) => id);
      const kept = [{ sink: 'archive', events: 1, why: 'full' }];
      expect(await outbox.deadLetters.requeue(ids)).toEqual({ requeued: 2, kept });
      expect(await sink(outbox)).toMatchObject({ pending: 3, deadLetters: 1 });
      expect(await outbox.deadLetters.requeue(ids)).toEqual({ requeued: 0, kept });
      expect(idsOf(await claimAll(consumer))).toEqual(['later', 'm0', 'm1']);
    });

    it('purges those named and says how many there were', async () => {
      const { outbox } = await withDeadLetters(3);
      const ids = (await outbox.deadLetters.list({ limit: 2 })).map(({ id }) => id);
      expect(await outbox.deadLetters.purge([...ids, '424242', ''])).toBe(2);
      expect(await outbox.deadLetters.purge(ids)).toBe(0);
      expect(await sink(outbox)).toMatchObject({ deadLetters: 1 });
      expect(await outbox.deadLetters.get(ids[0] ?? '')).toBeUndefined();
    });
  });

  describe(`${name}: quarantine`, () => {
    it('keeps entries as they were given', async () => {
      const { outbox } = await start();
      await outbox.append(delivery([newEvent('a')], [newQuarantined()]));
      const [entry] = await outbox.quarantine.list({ limit: 10 });
      expect(entry).toEqual({ id: expect.any(String), ...newQuarantined() });
      expect(await outbox.quarantine.get(entry?.id ?? '')).toEqual(entry);
      expect(await outbox.quarantine.get('nonsense')).toBeUndefined();
      expect(await outbox.stats()).toMatchObject({ accepted: 1, quarantined: 1, inQuarantine: 1 });
    });

    it('lists by source and by page, and purges', async () => {
      const { outbox } = await start();
      const entries = ['a', 'b', 'a', 'a'].map((source) => newQuarantined({ source }));
      await outbox.append(delivery([], entries));
      const page = await outbox.quarantine.list({ name: 'a', limit: 2 });
      expect(page).toHaveLength(2);
      const rest = await outbox.quarantine.list({ name: 'a', limit: 2, after: page[1]?.id ?? '' });
      expect(rest).toHaveLength(1);
      expect(await outbox.quarantine.purge(rest.map(({ id }) => id))).toBe(1);
      expect(await outbox.stats()).toMatchObject({ quarantined: 4, inQuarantine: 3 });
    });

    it('accepts what an entry has become and takes the entry away, as one step', async () => {
      const { outbox } = await start();
      await outbox.append(delivery([newEvent('known')], [newQuarantined(), newQuarantined()]));
      const [first, second] = await outbox.quarantine.list({ limit: 2 });
      const accepted = await outbox.quarantine.accept(first?.id ?? '', newEvent('fixed'));
      expect(accepted.outcome).toBe('accepted');
      const again = await outbox.quarantine.accept(second?.id ?? '', newEvent('known'));
      expect(again).toEqual({ outcome: 'duplicate' });
      expect(await outbox.stats()).toMatchObject({ accepted: 2, duplicates: 1, inQuarantine: 0 });
      expect(idsOf(await claim(outbox.consumer('archive', 1), 0, 9))).toEqual(['known', 'fixed']);
    });

    describe('with a limit on what is unauthenticated', () => {
      const unauthenticated = (count: number, more: Partial<NewQuarantined> = {}) => ({
        ...delivery(
          [],
          Array.from({ length: count }, () =>
            newQuarantined({ reason: 'unauthenticated', ...more }),
          ),
        ),
        unauthenticatedLimit: 3,
      });

      it('takes nothing of a delivery that goes over it, and what still fits', async () => {
        const { outbox } = await start();
        await outbox.append(unauthenticated(2));
        expect(await codeOf(outbox.append(unauthenticated(2)))).toBe('QUARANTINE_FULL');
        await outbox.append(unauthenticated(1));
        expect(await codeOf(outbox.append(unauthenticated(1)))).toBe('QUARANTINE_FULL');
        expect(await outbox.stats()).toMatchObject({ quarantined: 3, inQuarantine: 3 });
      });

      it('counts each source for itself, and neither other reasons nor other deliveries', async () => {
        const { outbox } = await start();
        await outbox.append(unauthenticated(3, { source: 'other' }));
        await outbox.append({ ...unauthenticated(9, { reason: 'invalid' }) });
        await outbox.append(unauthenticated(3));
        await outbox.append({ events: newEvents(1), quarantined: [], unauthenticatedLimit: 3 });
        await outbox.append({ ...unauthenticated(1), unauthenticatedLimit: 4 });
        expect(await codeOf(outbox.append(unauthenticated(1)))).toBe('QUARANTINE_FULL');
      });

      it('counts one entry as several where it is large', async () => {
        const { outbox } = await start();
        await outbox.append(unauthenticated(1, { raw: JSON.stringify('x'.repeat(40_000)) }));
        expect(await codeOf(outbox.append(unauthenticated(1)))).toBe('QUARANTINE_FULL');
      });

      it('has room again for what was purged or accepted, also large ones', async () => {
        const { outbox } = await start();
        await outbox.append(unauthenticated(1, { raw: JSON.stringify('\u00e9'.repeat(9_000)) }));
        await outbox.append(unauthenticated(1));
        const [large, small] = await outbox.quarantine.list({ limit: 2 });
        await outbox.quarantine.accept(large?.id ?? '', newEvent('fixed'));
        await outbox.append(unauthenticated(2));
        expect(await codeOf(outbox.append(unauthenticated(1)))).toBe('QUARANTINE_FULL');
        expect(await outbox.quarantine.purge([small?.id ?? '', 'nonsense'])).toBe(1);
        await outbox.append(unauthenticated(1));
        expect(await codeOf(outbox.append(unauthenticated(1)))).toBe('QUARANTINE_FULL');
      });

      it.skipIf(!harness.keeps)('goes on counting after a restart', async () => {
        const { outbox, place } = await start();
        await outbox.append(unauthenticated(2));
        await outbox.close();
        const next = await start(['archive'], {}, place);
        expect(await codeOf(next.outbox.append(unauthenticated(2)))).toBe('QUARANTINE_FULL');
        await next.outbox.append(unauthenticated(1));
      });
    });

    it('rejects with NOT_FOUND what is not there, and keeps the entry where the outbox is full', async () => {
      const { outbox } = await start(['archive'], { maxPending: 1 });
      expect(await codeOf(outbox.quarantine.accept('7', newEvent('a')))).toBe('NOT_FOUND');
      await outbox.append(delivery([newEvent('b')], [newQuarantined()]));
      const [entry] = await outbox.quarantine.list({ limit: 1 });
      expect(await codeOf(outbox.quarantine.accept(entry?.id ?? '', newEvent('a')))).toBe(
        'OUTBOX_FULL',
      );
      expect(await outbox.quarantine.list({ limit: 1 })).toEqual([entry]);
    });
  });

  describe.runIf(harness.keeps)(`${name}: across a restart`, () => {
    it('keeps events, attempts, settlements, dead letters, quarantine, counters and messageIds', async () => {
      const { outbox, place, clock } = await start(['archive']);
      await outbox.append(delivery(newEvents(6), [newQuarantined()]));
      const consumer = outbox.consumer('archive', 1);
      const [a, b, c, d] = await claim(consumer, 0, 4);
      if (!a || !b || !c || !d) throw new Error('four events were expected');
      const attempt = { at: NOW, error: 'reset' };
      await settle(consumer, [
        { id: a.id, outcome: 'done' },
        { id: b.id, outcome: 'retry', attempt },
        { id: c.id, outcome: 'dead', attempt },
        { id: d.id, outcome: 'done' },
      ]);
      const before = await outbox.stats();
      const letters = await outbox.deadLetters.list({ limit: 10 });
      await outbox.close();

      const next = await start(['archive'], {}, place, clock);
      expect(await next.outbox.stats()).toEqual(before);
      expect(before).toMatchObject({ accepted: 6, pending: 3, inQuarantine: 1 });
      expect(await next.outbox.deadLetters.list({ limit: 10 })).toEqual(letters);
      const claimed = await claimAll(next.outbox.consumer('archive', 1));
      expect(idsOf(claimed)).toEqual(['m1', 'm4', 'm5']);
      expect(claimed[0]?.attempts).toEqual([attempt]);
      expect(await outcomes(next.outbox, [newEvent('m0'), newEvent('m9')])).toEqual([
        'duplicate',
        'accepted',
      ]);
    });

    it('starts a new sink with the next event, and lets one that comes back go on', async () => {
      const { outbox, place } = await start(['archive']);
      await outcomes(outbox, newEvents(2));
      await outbox.close();
      const second = await start(['orders'], {}, place);
      expect(second.lines).toEqual([
        'warn: sink archive is no longer configured and has 2 pending events; they stay until outbox.retention ends: configure it again to deliver them, or discard them with trackbridge sinks purge archive',
        'warn: sink orders is new: it starts with the next event',
      ]);
      await outcomes(second.outbox, newEvents(1, {}, 2));
      expect(idsOf(await claimAll(second.outbox.consumer('orders', 1)))).toEqual(['m2']);
      expect((await second.outbox.stats()).sinks.map((each) => each.name)).toEqual(['orders']);
      // The sink that is no longer configured has the larger backlog, which counts nowhere.
      expect(await second.outbox.stats()).toMatchObject({ pending: 1, accepted: 3 });
      await second.outbox.close();
      const third = await start(['archive', 'orders'], {}, place);
      expect(third.lines).toEqual([
        `warn: sink archive is configured again and resumes where it stopped: it receives 3 earlier events, received from ${new Date(NOW).toISOString()} on`,
      ]);
      expect(idsOf(await claimAll(third.outbox.consumer('archive', 1)))).toEqual([
        'm0',
        'm1',
        'm2',
      ]);
      expect(await sink(third.outbox)).toMatchObject({ pending: 3 });
    });
  });
}
