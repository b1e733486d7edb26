import { describe, expect, it } from 'vitest';
import type { Outbox } from '../../../src/outbox/outbox.js';
import type { SinkSettings, SinkStart } from '../../../src/outbox/store.js';
import { claim, claimAll, done, idsOf, NOW, newEvent, newEvents, settle } from '../samples.js';
import { contractTools, type Harness } from './tools.js';

const RETAINED: SinkStart = { option: 'retained', from: 'retained' };
const NEXT: SinkStart = { option: 'next', from: 'next' };
const MINUTE = 60_000;

function since(from: number): SinkStart {
  return { option: new Date(from).toISOString(), from };
}

function orders(start: SinkStart, maxPending?: number): SinkSettings {
  return { name: 'orders', start, ...(maxPending === undefined ? {} : { maxPending }) };
}

/** Where every outbox lets a new or returning sink begin. */
export function startContract(name: string, harness: Harness): void {
  const { start, outcomes, sink } = contractTools(harness);

  /** Delivers `events` to the sink `archive`, and closes the outbox. Resolves to its place. */
  async function delivered(events = newEvents(3)): Promise<string> {
    const { outbox, place } = await start(['archive']);
    await outcomes(outbox, events);
    await deliverAll(outbox, 'archive');
    await outbox.close();
    return place;
  }

  async function deliverAll(outbox: Outbox, of: string): Promise<string[]> {
    const consumer = outbox.consumer(of, 1);
    const claimed = await claimAll(consumer);
    await settle(consumer, done(claimed));
    await consumer.close();
    return idsOf(claimed);
  }

  describe.runIf(harness.keeps)(`${name}: start`, () => {
    it('lets a new sink begin with what is retained, in order, and goes on with what follows', async () => {
      const place = await delivered();
      const { lines, outbox } = await start(['archive', orders(RETAINED)], {}, place);
      expect(lines).toEqual([
        `warn: sink orders is new with start: retained: it receives 3 earlier events, received from ${new Date(NOW).toISOString()} on`,
      ]);
      await outcomes(outbox, newEvents(1, {}, 3));
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 4, delivered: 0 });
      expect(await sink(outbox, 'archive')).toMatchObject({ pending: 1, delivered: 3 });
      expect(await deliverAll(outbox, 'orders')).toEqual(['m0', 'm1', 'm2', 'm3']);
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 0, delivered: 4 });
    });

    it('applies once: a sink that has begun is not begun again by a restart', async () => {
      const place = await delivered();
      const second = await start(['archive', orders(RETAINED)], {}, place);
      const consumer = second.outbox.consumer('orders', 1);
      await settle(consumer, done(await claim(consumer, 0, 2)));
      await second.outbox.close();
      const third = await start(['archive', orders(RETAINED)], {}, place);
      expect(third.lines).toEqual([]);
      expect(await deliverAll(third.outbox, 'orders')).toEqual(['m2']);
    });

    it('says once that a change has no effect on a sink that has begun', async () => {
      const place = await delivered();
      for (const said of [1, 0]) {
        const { lines, outbox } = await start([{ name: 'archive', start: RETAINED }], {}, place);
        expect(lines.filter((line) => line.includes('has no effect'))).toHaveLength(said);
        expect(await sink(outbox)).toMatchObject({ pending: 0 });
        await outbox.close();
      }
    });

    it('lets a sink begin with what arrived from a time on, whatever the order in the store', async () => {
      const times = [NOW - MINUTE, NOW, NOW - 1, NOW + 1, NOW - MINUTE];
      const place = await delivered(
        times.map((receivedAt, at) => newEvent(`m${at}`, { receivedAt })),
      );
      const { outbox } = await start(['archive', orders(since(NOW))], {}, place);
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 2, oldestReceivedAt: NOW });
      await outcomes(outbox, [newEvent('late', { receivedAt: NOW - MINUTE })]);
      expect(await deliverAll(outbox, 'orders')).toEqual(['m1', 'm3', 'late']);
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 0, delivered: 3 });
    });

    it('fills at most half of maxPending, with the newest events', async () => {
      const place = await delivered(newEvents(9));
      const { lines, outbox } = await start(['archive', orders(RETAINED, 8)], {}, place);
      expect(lines.join()).toContain('it receives 4 earlier events');
      expect(lines.join()).toContain('5 older events would take more than half of its maxPending');
      expect(await deliverAll(outbox, 'orders')).toEqual(['m5', 'm6', 'm7', 'm8']);
    });

    it('lets a returning sink resume, say from when on, and begin anew if it shall', async () => {
      const { outbox, place } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(2));
      await deliverAll(outbox, 'orders');
      await outcomes(outbox, newEvents(2, { receivedAt: NOW + 5 }, 2));
      await outbox.close();
      const former = await start(['archive'], {}, place);
      expect((await former.outbox.stats()).former).toEqual([
        { name: 'orders', pending: 2, missed: 0, oldestReceivedAt: NOW + 5 },
      ]);
      await former.outbox.close();
      const resumed = await start(['archive', 'orders'], {}, place);
      expect(resumed.lines).toEqual([
        `warn: sink orders is configured again and resumes where it stopped: it receives 2 earlier events, received from ${new Date(NOW + 5).toISOString()} on`,
      ]);
      expect((await resumed.outbox.stats()).former).toEqual([]);
      await resumed.outbox.close();
      await (await start(['archive'], {}, place)).outbox.close();
      const again = await start(['archive', orders(RETAINED)], {}, place);
      expect(await sink(again.outbox, 'orders')).toMatchObject({ pending: 4, delivered: 2 });
      expect(await deliverAll(again.outbox, 'orders')).toEqual(['m0', 'm1', 'm2', 'm3']);
    });

    it('lets a returning sink begin with the next event, and counts what that discards', async () => {
      const { outbox, place } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(2));
      await outbox.close();
      await (await start(['archive'], {}, place)).outbox.close();
      const { lines, outbox: again } = await start(['archive', orders(NEXT)], {}, place);
      expect(lines).toEqual([
        'warn: sink orders is configured again: it starts with the next event, and 2 pending events are discarded',
      ]);
      expect(await sink(again, 'orders')).toMatchObject({ pending: 0, discarded: 2 });
      await outcomes(again, newEvents(1, {}, 2));
      expect(await deliverAll(again, 'orders')).toEqual(['m2']);
      expect(await sink(again, 'archive')).toMatchObject({ pending: 3 });
    });

    it('keeps what was requeued for a returning sink, and replays no requeued copies', async () => {
      const { outbox, place } = await start(['archive', 'orders']);
      await outcomes(outbox, newEvents(2));
      await deliverAll(outbox, 'orders');
      await outbox.requeue(newEvents(1), ['orders']);
      await deliverAll(outbox, 'orders');
      await outbox.requeue(newEvents(1, {}, 8), ['orders', 'archive']);
      await outcomes(outbox, newEvents(1, {}, 2));
      await outbox.close();
      await (await start(['archive'], {}, place)).outbox.close();
      const { outbox: again } = await start(['archive', orders(RETAINED)], {}, place);
      expect(await sink(again, 'orders')).toMatchObject({ pending: 4 });
      expect(await deliverAll(again, 'orders')).toEqual(['m0', 'm1', 'm8', 'm2']);
      expect(await sink(again, 'orders')).toMatchObject({ pending: 0 });
    });
  });
}
