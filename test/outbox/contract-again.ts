import { describe, expect, it } from 'vitest';
import { contractTools, type Harness } from './contract-tools.js';
import { claimAll, done, idsOf, newEvents } from './samples.js';

/** What every outbox does with events that an operator hands to sinks once more. */
export function againContract(name: string, harness: Harness): void {
  const { start, outcomes, sink, codeOf } = contractTools(harness);

  describe(`${name}: once more`, () => {
    it('makes events pending again, at the end of the line and only for the sinks that are named', async () => {
      const { outbox } = await start(['archive', 'orders']);
      const consumer = outbox.consumer('archive', 1);
      await outcomes(outbox, newEvents(2));
      const first = await claimAll(consumer);
      await consumer.settle(done(first));
      const { accepted, duplicates } = await outbox.stats();
      await outcomes(outbox, newEvents(1, {}, 7));
      const ids = await outbox.again(newEvents(2), ['archive']);
      const claimed = await claimAll(consumer);
      expect(idsOf(claimed)).toEqual(['m7', 'm0', 'm1']);
      expect(claimed.slice(1).map(({ id }) => id)).toEqual(ids);
      expect(claimed.map(({ attempts }) => attempts)).toEqual([[], [], []]);
      await consumer.settle(done(claimed));
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 5 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 3 });
      expect(await outbox.stats()).toMatchObject({ accepted: accepted + 1, duplicates });
    });

    it('gives each sink an id of its own, sink by sink, and leaves out one that there is not', async () => {
      const { outbox } = await start(['archive', 'orders']);
      const ids = await outbox.again(newEvents(2), ['orders', 'nowhere', 'archive']);
      expect(new Set(ids).size).toBe(4);
      const orders = await claimAll(outbox.consumer('orders', 1));
      const archive = await claimAll(outbox.consumer('archive', 1));
      expect([...orders, ...archive].map(({ id }) => id)).toEqual(ids);
    });

    it('does nothing at the limit', async () => {
      const { outbox } = await start(['archive', 'orders'], { maxPending: 3 });
      await outcomes(outbox, newEvents(2));
      expect(await codeOf(outbox.again(newEvents(2), ['archive']))).toBe('OUTBOX_FULL');
      expect(await sink(outbox)).toMatchObject({ pending: 2 });
      expect(await outbox.again(newEvents(1), ['archive'])).toHaveLength(1);
    });

    it.runIf(harness.keeps)('keeps them across a restart', async () => {
      const { clock, outbox, place } = await start();
      const ids = await outbox.again(newEvents(1), ['archive']);
      await outbox.close();
      const { outbox: next } = await start(['archive'], {}, place, clock);
      const claimed = await claimAll(next.consumer('archive', 1));
      expect(claimed.map(({ id }) => id)).toEqual(ids);
    });
  });
}
