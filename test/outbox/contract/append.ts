import { describe, expect, it } from 'vitest';
import { claim, delivery, done, newEvent, newEvents, settle } from '../samples.js';
import { contractTools, type Harness } from './tools.js';

const HOUR = 3_600_000;

/** What every outbox does with deliveries. */
export function appendContract(name: string, harness: Harness): void {
  const { start, outcomes, sink, codeOf } = contractTools(harness);

  describe(`${name}: its id`, () => {
    it('tells stores apart, and stays where the store does', async () => {
      const [{ outbox, place }, other] = [await start(), await start()];
      expect(outbox.id).toMatch(/^.{8,}$/);
      expect(other.outbox.id).not.toBe(outbox.id);
      await outbox.close();
      const again = await start(['archive'], {}, place);
      expect(again.outbox.id === outbox.id).toBe(harness.keeps);
    });
  });

  describe(`${name}: append`, () => {
    it('answers one outcome an event, in their order, with ids that differ', async () => {
      const { outbox } = await start();
      const appended = await outbox.append(delivery(newEvents(3)));
      expect(appended.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
      expect(new Set(appended.map((each) => ('id' in each ? each.id : ''))).size).toBe(3);
    });

    it('takes an empty delivery', async () => {
      const { outbox } = await start();
      expect(await outbox.append(delivery([]))).toEqual([]);
    });

    it('calls the second event with the same scope and messageId a duplicate', async () => {
      const { outbox } = await start();
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['accepted']);
      expect(await outcomes(outbox, [newEvent('a'), newEvent('b')])).toEqual([
        'duplicate',
        'accepted',
      ]);
    });

    it('finds duplicates within one delivery', async () => {
      const { outbox } = await start();
      expect(await outcomes(outbox, [newEvent('a'), newEvent('a')])).toEqual([
        'accepted',
        'duplicate',
      ]);
    });

    it('writes concurrent duplicates once', async () => {
      const { outbox } = await start();
      const all = await Promise.all(
        Array.from({ length: 20 }, () => outcomes(outbox, [newEvent('a')])),
      );
      expect(all.flat().filter((outcome) => outcome === 'accepted')).toHaveLength(1);
      expect((await sink(outbox))?.pending).toBe(1);
    });

    it('keeps scopes apart, also where scope and id could be cut differently', async () => {
      const { outbox } = await start();
      const events = [
        newEvent('c', { scope: 'ab' }),
        newEvent('bc', { scope: 'a' }),
        newEvent('x:c', { scope: 'a' }),
        newEvent('c', { scope: 'a:x' }),
      ];
      expect(await outcomes(outbox, events)).toEqual(Array(4).fill('accepted'));
    });

    it('tells ids apart that differ only behind a NUL, or in lone surrogates', async () => {
      const { outbox } = await start();
      const events = ['m\0a', 'm\0b', '\ud800', '\ud801'].map((id) => newEvent(id));
      expect(await outcomes(outbox, events)).toEqual(Array(4).fill('accepted'));
    });

    it('never calls an event without a messageId a duplicate', async () => {
      const { outbox } = await start();
      const { messageId: _, ...event } = newEvent('a');
      expect(await outcomes(outbox, [event, event])).toEqual(['accepted', 'accepted']);
    });

    it.runIf(harness.injectedClock)(
      'forgets a messageId when the window is over, and not before',
      async () => {
        const { outbox, clock } = await start();
        await outcomes(outbox, [newEvent('a')]);
        clock.move(HOUR - 1);
        expect(await outcomes(outbox, [newEvent('a')])).toEqual(['duplicate']);
        clock.move(1);
        expect(await outcomes(outbox, [newEvent('a')])).toEqual(['accepted']);
        clock.move(HOUR - 1);
        expect(await outcomes(outbox, [newEvent('a')])).toEqual(['duplicate']);
      },
    );

    it.runIf(harness.injectedClock)('remembers messageIds when the clock jumps back', async () => {
      const { outbox, clock } = await start();
      await outcomes(outbox, [newEvent('a')]);
      clock.move(-48 * HOUR);
      expect(await outcomes(outbox, [newEvent('a'), newEvent('b')])).toEqual([
        'duplicate',
        'accepted',
      ]);
      clock.move(48 * HOUR);
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['duplicate']);
    });

    it('accepts an authenticated event after an unauthenticated one, but not the other way round', async () => {
      const { outbox } = await start();
      const forged = newEvent('a', { authenticated: false });
      const genuine = newEvent('a');
      expect(await outcomes(outbox, [forged, forged])).toEqual(['accepted', 'duplicate']);
      expect(await outcomes(outbox, [genuine])).toEqual(['accepted']);
      expect(await outcomes(outbox, [genuine, forged])).toEqual(['duplicate', 'duplicate']);
    });

    it('refuses what would pass maxPending as a whole, and still answers duplicates', async () => {
      const { outbox } = await start(['archive'], { maxPending: 3 });
      await outcomes(outbox, newEvents(2));
      expect(await codeOf(outbox.append(delivery([newEvent('x'), newEvent('y')])))).toBe(
        'OUTBOX_FULL',
      );
      expect(await outcomes(outbox, newEvents(2))).toEqual(['duplicate', 'duplicate']);
      expect(await outcomes(outbox, [newEvent('x')])).toEqual(['accepted']);
      expect(await codeOf(outbox.append(delivery([newEvent('y')])))).toBe('OUTBOX_FULL');
      expect(await codeOf(outbox.probe())).toBe('OUTBOX_FULL');
      expect(await outbox.stats()).toMatchObject({ accepted: 3, duplicates: 2, pending: 3 });
    });

    it('takes deliveries again when there is room again', async () => {
      const { outbox } = await start(['archive'], { maxPending: 2 });
      await outcomes(outbox, newEvents(2));
      const consumer = outbox.consumer('archive', 1);
      await settle(consumer, done(await claim(consumer, 0, 1)));
      expect(await outcomes(outbox, [newEvent('x')])).toEqual(['accepted']);
      await expect(outbox.append(delivery([newEvent('y')]))).rejects.toMatchObject({
        status: 503,
        retryAfter: expect.any(Number),
      });
    });

    it('rejects with BUDGET_SPENT where the signal has aborted already', async () => {
      const { outbox } = await start();
      const promise = outbox.append(delivery([newEvent('a')]), AbortSignal.abort());
      expect(await codeOf(promise)).toBe('BUDGET_SPENT');
      expect(await outcomes(outbox, [newEvent('a')])).toEqual(['accepted']);
    });

    it('owes nothing where there is no sink', async () => {
      const { outbox } = await start([], { maxPending: 1 });
      expect(await outcomes(outbox, newEvents(5))).toEqual(Array(5).fill('accepted'));
      expect(await outbox.stats()).toMatchObject({ accepted: 5, pending: 0, sinks: [] });
      await expect(outbox.probe()).resolves.toBeUndefined();
    });

    it('rejects with a 503 once it is closed', async () => {
      const { outbox } = await start();
      await outbox.close();
      await expect(outbox.append(delivery([newEvent('a')]))).rejects.toMatchObject({ status: 503 });
      await expect(outbox.probe()).rejects.toMatchObject({ status: 503 });
    });
  });
}
