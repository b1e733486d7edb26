import { describe, expect, it } from 'vitest';
import type { SinkSettings } from '../../../src/outbox/store.js';
import {
  claim,
  claimAll,
  delivery,
  done,
  idsOf,
  NOW,
  newEvent,
  newEvents,
  settle,
} from '../samples.js';
import { contractTools, type Harness } from './tools.js';

/** What every outbox does when a sink has as many pending events as it may have. */
export function limitsContract(name: string, harness: Harness): void {
  const { start, outcomes, sink, codeOf } = contractTools(harness);
  const limited = (full: SinkSettings['full'] = 'refuse', maxPending = 3): SinkSettings[] => [
    { name: 'archive', maxPending, full },
    { name: 'orders' },
  ];

  describe.runIf(harness.exactLimits)(`${name}: a sink at its own limit`, () => {
    it('refuses deliveries, says whose backlog is full, and accepts again when it drains', async () => {
      const { outbox } = await start(limited());
      await outcomes(outbox, newEvents(3));
      const refused = outbox.append(delivery([newEvent('x')]));
      await expect(refused).rejects.toMatchObject({
        code: 'OUTBOX_FULL',
        message: expect.stringContaining('the backlog of sink archive is at maxPending;'),
      });
      expect(await codeOf(outbox.probe())).toBe('OUTBOX_FULL');
      const consumer = outbox.consumer('archive', 1);
      await settle(consumer, done(await claim(consumer, 0, 1)));
      await expect(outbox.probe()).resolves.toBeUndefined();
      expect(await outcomes(outbox, [newEvent('x')])).toEqual(['accepted']);
    });

    it('never has more than the outbox allows', async () => {
      const { outbox } = await start(limited('refuse', 99), { maxPending: 2 });
      expect(await sink(outbox)).toMatchObject({ maxPending: 2, full: 'refuse' });
      expect(await codeOf(outbox.append(delivery(newEvents(3))))).toBe('OUTBOX_FULL');
    });

    it('loses its oldest events with full: drop-oldest, and no other sink loses any', async () => {
      const { outbox, lost, lines } = await start(limited('drop-oldest'));
      await outcomes(outbox, newEvents(5));
      await outcomes(outbox, [newEvent('m5'), newEvent('m5'), newEvent('m6')]);
      await expect(outbox.probe()).resolves.toBeUndefined();
      expect(await sink(outbox)).toMatchObject({ pending: 3, discarded: 4, deadLetters: 0 });
      expect(await sink(outbox, 'orders')).toMatchObject({ pending: 7, discarded: 0 });
      expect(idsOf(await claimAll(outbox.consumer('archive', 1)))).toEqual(['m4', 'm5', 'm6']);
      expect([...lost]).toEqual([['discarded archive', 4]]);
      expect(lines.join('\n')).toContain(
        'sink archive is at its limit (full: drop-oldest): 2 pending events discarded',
      );
    });

    it('has its oldest events as dead letters with full: dead-letter, their attempts included', async () => {
      const { outbox, lost } = await start(limited('dead-letter'));
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const [first] = await claim(consumer, 0, 1);
      const attempt = { at: NOW, error: 'status 503' };
      await settle(consumer, [{ id: String(first?.id), outcome: 'retry', attempt }]);
      await outcomes(outbox, newEvents(2, {}, 3));
      expect(await sink(outbox)).toMatchObject({ pending: 3, discarded: 0, deadLetters: 2 });
      const letters = await outbox.deadLetters.list({ limit: 9 });
      expect(letters.map(({ json }) => JSON.parse(json).messageId)).toEqual(['m0', 'm1']);
      const over = 'the sink’s backlog reached its limit of 3 pending events'.replace('’', "'");
      expect(letters.map(({ attempts }) => attempts.map(({ error }) => error))).toEqual([
        ['status 503', over],
        [over],
      ]);
      expect([...lost]).toEqual([['dead-lettered archive', 2]]);
      expect(idsOf(await claimAll(consumer))).toEqual(['m2', 'm3', 'm4']);
    });

    it.each(['drop-oldest', 'dead-letter'] as const)(
      'does not count what its consumer settles after it was taken away: full: %s',
      async (full) => {
        const { outbox } = await start(limited(full));
        await outcomes(outbox, newEvents(3));
        const consumer = outbox.consumer('archive', 1);
        const claimed = await claim(consumer, 0, 3);
        await outcomes(outbox, newEvents(2, {}, 3));
        const before = await sink(outbox);
        await settle(consumer, done(claimed.slice(0, 2)));
        expect(await sink(outbox)).toEqual(before);
        await settle(consumer, done(claimed.slice(2)));
        expect(await sink(outbox)).toMatchObject({ pending: 2, delivered: 1 });
      },
    );

    it('loses nothing that was settled behind what is open', async () => {
      const { outbox } = await start(limited('drop-oldest'));
      await outcomes(outbox, newEvents(3));
      const consumer = outbox.consumer('archive', 1);
      const [, second] = await claim(consumer, 0, 2);
      await settle(consumer, second === undefined ? [] : done([second]));
      await outcomes(outbox, newEvents(2, {}, 3));
      expect(await sink(outbox)).toMatchObject({ pending: 3, delivered: 1, discarded: 1 });
      await consumer.close();
      expect(idsOf(await claimAll(outbox.consumer('archive', 1)))).toEqual(['m2', 'm3', 'm4']);
    });

    it('takes a delivery that is larger than its limit, and keeps its last events', async () => {
      const { outbox } = await start(limited('drop-oldest'));
      await outcomes(outbox, newEvents(900));
      expect(await sink(outbox)).toMatchObject({ pending: 3, discarded: 897 });
      const claimed = await claimAll(outbox.consumer('archive', 1));
      expect(idsOf(claimed)).toEqual(['m897', 'm898', 'm899']);
    });

    it.runIf(harness.keeps)(
      'comes down to a limit that was lowered, and counts across restarts',
      async () => {
        const room = { maxPending: 10_000 };
        const { outbox, place } = await start(['archive', 'orders'], room);
        await outcomes(outbox, newEvents(1_000));
        await outbox.close();
        const next = await start(limited('drop-oldest'), room, place);
        for (let at = 0; (await sink(next.outbox))?.pending !== 3; at += 1) {
          if (at > 20) throw new Error('the backlog does not come down');
          await outcomes(next.outbox, [newEvent(`later-${at}`)]);
        }
        const before = await sink(next.outbox);
        expect(before?.discarded).toBeGreaterThanOrEqual(998);
        await next.outbox.close();
        const last = await start(limited('drop-oldest'), room, place);
        expect(await sink(last.outbox)).toEqual(before);
      },
    );
  });

  describe(`${name}: a backlog that grows`, () => {
    const percents = (lines: readonly string[]): string[] =>
      lines.flatMap((line) => / (\d+ %) of its limit/.exec(line)?.[1] ?? []);

    it('is reported at 50, 80, 90 % and at its limit, once each, and again when it has fallen', async () => {
      const { outbox, lines } = await start([{ name: 'archive', maxPending: 100 }]);
      const reported: string[][] = [];
      const grow = async (count: number, from: number): Promise<void> => {
        lines.length = 0;
        for (let at = 0; at < count; at += 1) await outcomes(outbox, [newEvent(`g${from + at}`)]);
        reported.push(percents(lines));
      };
      await grow(49, 0);
      await grow(45, 49);
      await grow(6, 94);
      expect(lines).toEqual([
        'error: sink archive has reached its limit of 100 pending events: now every delivery gets 503',
      ]);
      const consumer = outbox.consumer('archive', 1);
      await settle(consumer, done(await claim(consumer, 0, 15)));
      await grow(6, 200);
      await settle(consumer, done(await claim(consumer, 0, 60)));
      await grow(30, 300);
      expect(reported).toEqual([[], ['50 %', '80 %', '90 %'], [], ['90 %'], ['50 %']]);
    });

    it('is reported once at the level that it jumps to', async () => {
      const { outbox, lines } = await start(limited('drop-oldest', 10));
      await outcomes(outbox, newEvents(9));
      expect(lines.filter((line) => line.includes('limit'))).toEqual([
        'warn: sink archive has 9 pending events, 90 % of its limit; at 10 its oldest pending events are discarded',
      ]);
    });
  });
}
