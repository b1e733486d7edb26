import { describe, expect, it } from 'vitest';
import type { RequeuedFor } from '../../../src/outbox/intake.js';
import { claimAll, done, idsOf, newEvents, settle } from '../samples.js';
import { contractTools, type Harness } from './tools.js';

/** What every outbox does with events that an operator hands to sinks once more. */
export function requeueContract(name: string, harness: Harness): void {
  const { start, outcomes, sink } = contractTools(harness);

  describe(`${name}: requeue`, () => {
    it('makes events pending again, at the end of the line and only for the sinks that are named', async () => {
      const { outbox } = await start(['archive', 'orders']);
      const consumer = outbox.consumer('archive', 1);
      await outcomes(outbox, newEvents(2));
      const first = await claimAll(consumer);
      await settle(consumer, done(first));
      const { accepted, duplicates } = await outbox.stats();
      await outcomes(outbox, newEvents(1, {}, 7));
      const ids = idsFor(await outbox.requeue(newEvents(2), ['archive']));
      const claimed = await claimAll(consumer);
      expect(idsOf(claimed)).toEqual(['m7', 'm0', 'm1']);
      expect(claimed.slice(1).map(({ id }) => id)).toEqual(ids);
      expect(claimed.map(({ attempts }) => attempts)).toEqual([[], [], []]);
      await settle(consumer, done(claimed));
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 5 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 3 });
      expect(await outbox.stats()).toMatchObject({ accepted: accepted + 1, duplicates });
    });

    it('gives each sink an id of its own, sink by sink, and leaves out one that there is not', async () => {
      const { outbox } = await start(['archive', 'orders']);
      const requeued = await outbox.requeue(newEvents(2), ['orders', 'nowhere', 'archive']);
      expect(requeued.map((each) => each.sink)).toEqual(['orders', 'archive']);
      const ids = idsFor(requeued);
      expect(new Set(ids).size).toBe(4);
      const orders = await claimAll(outbox.consumer('orders', 1));
      const archive = await claimAll(outbox.consumer('archive', 1));
      expect([...orders, ...archive].map(({ id }) => id)).toEqual(ids);
    });

    it('requeues as many as fit, of each sink the first', async () => {
      const { outbox } = await start(['archive', { name: 'orders', maxPending: 2 }], {
        maxPending: 3,
      });
      await outcomes(outbox, newEvents(1));
      const requeued = await outbox.requeue(newEvents(5, {}, 10), ['archive', 'orders']);
      expect(requeued.map(({ ids }) => ids.length)).toEqual([2, 1]);
      expect(idsOf(await claimAll(outbox.consumer('archive', 1)))).toEqual(['m0', 'm10', 'm11']);
      expect(idsOf(await claimAll(outbox.consumer('orders', 1)))).toEqual(['m0', 'm10']);
      expect(idsFor(await outbox.requeue(newEvents(1), ['archive']))).toEqual([]);
      expect(await outbox.stats()).toMatchObject({ pending: 3 });
    });

    it.each(['drop-oldest', 'dead-letter'] as const)(
      'takes nothing from a backlog to make room: full: %s',
      async (full) => {
        const { outbox } = await start([{ name: 'archive', maxPending: 2, full }]);
        await outcomes(outbox, newEvents(2));
        expect(idsFor(await outbox.requeue(newEvents(2), ['archive']))).toEqual([]);
        expect(await sink(outbox)).toMatchObject({ pending: 2, discarded: 0, deadLetters: 0 });
      },
    );

    it.runIf(harness.keeps)('keeps them across a restart', async () => {
      const { clock, outbox, place } = await start();
      const ids = idsFor(await outbox.requeue(newEvents(1), ['archive']));
      await outbox.close();
      const { outbox: next } = await start(['archive'], {}, place, clock);
      const claimed = await claimAll(next.consumer('archive', 1));
      expect(claimed.map(({ id }) => id)).toEqual(ids);
    });
  });
}

function idsFor(requeued: readonly RequeuedFor[]): string[] {
  return requeued.flatMap(({ ids }) => ids);
}
