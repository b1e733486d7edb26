import { describe, expect, it } from 'vitest';
import { claim, claimAll, done, idsOf, newEvents } from '../samples.js';
import { contractTools, type Harness } from './tools.js';

/** What the leases of every outbox do. */
export function leaseContract(name: string, harness: Harness): void {
  const { start, outcomes, sink, codeOf } = contractTools(harness);

  describe(`${name}: leases`, () => {
    it('cover an attempt until they are revoked', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(1));
      const consumer = outbox.consumer('archive', 1);
      const { lease } = await consumer.claim(0, 1);
      expect(lease.revoked.aborted).toBe(false);
      expect(await lease.covers(1_000)).toBe(true);
      await consumer.close();
      expect(lease.revoked.aborted).toBe(true);
      expect(await lease.covers(1_000)).toBe(false);
    });

    it('are the same for all unsettled events of a lane', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const first = await consumer.claim(0, 1);
      const second = await consumer.claim(0, 1);
      expect(second.lease).toBe(first.lease);
      await consumer.settle(second.lease, done([...first.events, ...second.events]));
      expect(await sink(outbox)).toMatchObject({ pending: 1, delivered: 2 });
    });

    it('reject settlements once they are revoked, and hand the events to the next consumer', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(4));
      const first = outbox.consumer('archive', 1);
      const { events, lease } = await first.claim(0, 3);
      await first.settle(lease, done(events.slice(0, 1)));
      await first.close();
      expect(await codeOf(first.settle(lease, done(events.slice(1))))).toBe('LANE_LOST');
      expect(await sink(outbox)).toMatchObject({ pending: 3, delivered: 1 });

      const second = outbox.consumer('archive', 1);
      expect(idsOf(await claimAll(second, 0, 2))).toEqual(['m1', 'm2', 'm3']);
      expect(await codeOf(first.settle(lease, done(events)))).toBe('LANE_LOST');
      expect(await codeOf(second.settle(lease, done(events)))).toBe('LANE_LOST');
      expect(await sink(outbox)).toMatchObject({ pending: 3, delivered: 1 });
      await second.settle((await second.claim(0, 1)).lease, done(events.slice(1)));
      expect(await sink(outbox)).toMatchObject({ pending: 1, delivered: 3 });
    });

    it('last until the settlements in progress are recorded', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const { events, lease } = await consumer.claim(0, 2);
      const settling = consumer.settle(lease, done(events));
      await consumer.close();
      expect(idsOf(await claimAll(outbox.consumer('archive', 1)))).toEqual(['m2']);
      await settling;
      expect(await sink(outbox)).toMatchObject({ pending: 1, delivered: 2 });
    });

    it('end with their consumer, which then claims nothing', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(2));
      const consumer = outbox.consumer('archive', 1);
      const claiming = consumer.claim(0, 2);
      await consumer.close();
      const { lease } = await claiming;
      expect(lease.revoked.aborted).toBe(true);
      expect(await claim(consumer, 0, 2)).toEqual([]);
      expect(idsOf(await claimAll(outbox.consumer('archive', 1)))).toEqual(['m0', 'm1']);
    });
  });
}
