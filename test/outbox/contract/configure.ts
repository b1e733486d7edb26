import { describe, expect, it } from 'vitest';
import {
  claim,
  claimAll,
  delivery,
  done,
  idsOf,
  named,
  newEvent,
  newEvents,
  settle,
} from '../samples.js';
import { contractTools, type Harness } from './tools.js';

const NEVER = new AbortController().signal;

/** What every outbox does when the configured sinks change while it is open. */
export function configureContract(name: string, harness: Harness): void {
  const { start, outcomes, sink, codeOf } = contractTools(harness);

  describe(`outbox ${name}: other sinks while it is open`, () => {
    it('starts a new sink with the next event, and says so', async () => {
      const { lines, outbox } = await start(['archive']);
      await outcomes(outbox, newEvents(2));
      lines.length = 0;
      expect(await outbox.configure(named('archive', 'orders'))).toEqual([]);
      if (harness.keeps) {
        expect(lines).toEqual(['warn: sink orders is new: it starts with the next event']);
      }
      await outcomes(outbox, [newEvent('later')]);
      expect(await sink(outbox, 'archive')).toMatchObject({ pending: 3 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 1 });
      expect(idsOf(await claimAll(outbox.consumer('orders', 1)))).toEqual(['later']);
    });

    it('lets a consumer of a sink that stays go on', async () => {
      const { outbox } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const first = await claim(consumer, 0, 1);
      await outbox.configure(named('archive'));
      await settle(consumer, done(first));
      expect(idsOf(await claimAll(consumer))).toHaveLength(2);
      expect(await sink(outbox, 'archive')).toMatchObject({ pending: 2, delivered: 1 });
      expect(await sink(outbox, 'orders')).toBeUndefined();
    });

    it('hands the events of a closed consumer to the next one, with other lanes, in order', async () => {
      const { outbox } = await start(['archive']);
      const events = newEvents(6, { orderKey: 'one' });
      await outcomes(outbox, events);
      const before = outbox.consumer('archive', 1);
      await settle(before, done(await claim(before, 0, 2)));
      const { length } = await claim(before, 0, 2);
      await before.close();
      await outbox.configure(named('archive'));
      const after = outbox.consumer('archive', 3);
      const rest = idsOf(await claimAll(after));
      expect([length, rest]).toEqual([2, events.slice(2).map(({ messageId }) => messageId)]);
    });

    it('settles what a consumer of a removed sink still holds', async () => {
      const { outbox } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(2));
      const consumer = outbox.consumer('orders', 1);
      const claimed = await claim(consumer, 0, 1);
      await outbox.configure(named('archive'));
      await settle(consumer, done(claimed));
      await consumer.close();
      if (!harness.keeps) return;
      await outbox.configure(named('archive', 'orders'));
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 1, delivered: 1 });
    });

    it.runIf(harness.keeps)(
      'resumes a returning sink where it stopped, as a restart does',
      async () => {
        const { lines, outbox, place } = await start(['archive', 'orders']);
        await outcomes(outbox, newEvents(2));
        await outbox.setPaused('orders', true);
        lines.length = 0;
        expect(await outbox.configure(named('archive'))).toEqual([]);
        await outcomes(outbox, [newEvent('meanwhile')]);
        expect(await outbox.configure(named('archive'))).toEqual([]);
        expect(await outbox.configure(named('archive', 'orders'))).toEqual(['orders']);
        expect(lines).toEqual([
          expect.stringMatching(/^warn: sink orders is no longer configured/),
          expect.stringMatching(
            /^warn: sink orders is configured again and resumes where it stopped: it receives 3 earlier events.* is paused and has 3 pending events/,
          ),
        ]);
        await outbox.close();
        const next = await start(['archive', 'orders'], {}, place);
        expect(await sink(next.outbox, 'orders')).toMatchObject({ pending: 3, paused: true });
      },
    );

    it('applies another limit of a sink', async () => {
      const { outbox } = await start(['archive']);
      await outcomes(outbox, newEvents(3));
      await outbox.configure([{ name: 'archive', maxPending: 3 }]);
      expect(await codeOf(outbox.probe())).toBe('OUTBOX_FULL');
      await outbox.configure([{ name: 'archive', maxPending: 4 }]);
      await outbox.probe();
      expect(await sink(outbox)).toMatchObject({ pending: 3, maxPending: 4 });
    });

    it('waits no longer for a sink that is removed, and from now on for one that is added', async () => {
      const { outbox } = await start(['archive', 'orders']);
      const ids = (await outbox.append(delivery(newEvents(1)))).flatMap((each) =>
        each.outcome === 'accepted' ? [each.id] : [],
      );
      const settled = outbox.settled(ids, NEVER);
      const archive = outbox.consumer('archive', 1);
      await settle(archive, done(await claimAll(archive)));
      await outbox.configure(named('archive'));
      await settled;
      await outbox.configure(named('archive', 'audit'));
      const [later] = await outbox.append(delivery([newEvent('later')]));
      const wait = new AbortController();
      let isOver = false;
      const second = outbox
        .settled([String(later && 'id' in later && later.id)], wait.signal)
        .then(() => {
          isOver = true;
        });
      await settle(archive, done(await claimAll(archive)));
      expect(isOver).toBe(false);
      const audit = outbox.consumer('audit', 1);
      await settle(audit, done(await claimAll(audit)));
      await second;
    });
  });
}
