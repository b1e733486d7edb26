import { describe, expect, it } from 'vitest';
import { claim, claimAll, done, idsOf, NOW, newEvent, newEvents, settle } from '../samples.js';
import { contractTools, type Harness } from './tools.js';

/** What every outbox does when an operator pauses, resumes or purges a sink. */
export function operatorContract(name: string, harness: Harness): void {
  const { start, outcomes, sink, codeOf } = contractTools(harness);

  describe(`${name}: a sink that an operator pauses`, () => {
    it('is shown as paused until it is resumed, and still collects events', async () => {
      const { outbox } = await start(['archive', 'orders']);
      expect(await sink(outbox)).toMatchObject({ paused: false });
      await outbox.setPaused('archive', true);
      await outcomes(outbox, newEvents(2));
      expect(await sink(outbox)).toMatchObject({ paused: true, pending: 2 });
      expect(await sink(outbox, 'orders')).toMatchObject({ paused: false });
      await outbox.setPaused('archive', false);
      expect(await sink(outbox)).toMatchObject({ paused: false, pending: 2 });
    });

    it('has to be configured', async () => {
      const { outbox } = await start();
      expect(await codeOf(outbox.setPaused('nowhere', true))).toBe('NOT_FOUND');
    });

    it.runIf(harness.keeps)('stays paused across restarts, and the log says so', async () => {
      const { outbox, place } = await start();
      await outbox.setPaused('archive', true);
      await outcomes(outbox, newEvents(1));
      await outbox.close();
      const next = await start(['archive'], {}, place);
      expect(await sink(next.outbox)).toMatchObject({ paused: true, pending: 1 });
      expect(next.lines).toEqual([
        'warn: sink archive is paused and has 1 pending event; continue with trackbridge sinks resume archive',
      ]);
      await next.outbox.setPaused('archive', false);
      await next.outbox.close();
      const last = await start(['archive'], {}, place);
      expect([await sink(last.outbox), last.lines]).toMatchObject([{ paused: false }, []]);
    });
  });

  describe(`${name}: a sink that an operator purges`, () => {
    it('has nothing pending, and counts the events as discarded; no other sink loses any', async () => {
      const { outbox, lines, lost } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(5));
      const consumer = outbox.consumer('archive', 1);
      await settle(consumer, done(await claim(consumer, 0, 1)));
      lines.length = 0;
      expect(await outbox.purge('archive')).toBe(4);
      expect(await sink(outbox)).toMatchObject({ pending: 0, delivered: 1, discarded: 4 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 5, discarded: 0 });
      expect([...lost]).toEqual([['discarded archive', 4]]);
      expect(lines).toEqual(['warn: an operator purged sink archive: 4 pending events discarded']);
      expect(await outbox.purge('archive')).toBe(0);
    });

    it('neither hands out what it had, nor counts what was claimed of it', async () => {
      const { outbox } = await start();
      await outcomes(outbox, newEvents(4));
      const consumer = outbox.consumer('archive', 1);
      const claimed = await claim(consumer, 0, 2);
      const [first] = claimed.map(({ id }) => id);
      expect(consumer.holds(String(first))).toBe(true);
      expect(await outbox.purge('archive')).toBe(4);
      expect(claimed.map(({ id }) => consumer.holds(id))).toEqual([false, false]);
      expect([...(await consumer.read(claimed.map(({ id }) => id)))]).toEqual([]);
      await outcomes(outbox, [newEvent('later')]);
      await settle(consumer, done(claimed));
      const attempt = { at: NOW, error: 'status 503' };
      await settle(
        consumer,
        claimed.map(({ id }) => ({ id, outcome: 'dead', attempt })),
      );
      expect(await sink(outbox)).toMatchObject({ pending: 1, delivered: 0, deadLetters: 0 });
      expect(idsOf(await claimAll(consumer))).toEqual(['later']);
    });

    it('accepts deliveries again where it was full', async () => {
      const { outbox } = await start([{ name: 'archive', maxPending: 2 }]);
      await outcomes(outbox, newEvents(2));
      expect(await codeOf(outbox.probe())).toBe('OUTBOX_FULL');
      await outbox.purge('archive');
      expect(await outcomes(outbox, newEvents(2, {}, 2))).toEqual(['accepted', 'accepted']);
    });

    it('has to be known', async () => {
      const { outbox } = await start();
      expect(await codeOf(outbox.purge('nowhere'))).toBe('NOT_FOUND');
    });

    it.runIf(harness.keeps)('need not be configured any more', async () => {
      const { outbox, place } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(3));
      await outbox.close();
      const second = await start(['orders'], {}, place);
      expect(second.lines.join()).toContain('discard them with trackbridge sinks purge archive');
      expect(await second.outbox.purge('archive')).toBe(3);
      expect(await codeOf(second.outbox.setPaused('archive', true))).toBe('NOT_FOUND');
      await second.outbox.close();
      const third = await start(['archive', 'orders'], {}, place);
      expect(third.lines.join()).not.toContain('discard them with');
      expect(await sink(third.outbox)).toMatchObject({ pending: 0, delivered: 0, discarded: 3 });
    });
  });
}
