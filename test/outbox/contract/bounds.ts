import { describe, expect, it } from 'vitest';
import type { Outbox } from '../../../src/outbox/outbox.js';
import {
  claimAll,
  delivery,
  NOW,
  newEvent,
  newEvents,
  newQuarantined,
  settle,
} from '../samples.js';
import type { StillClock } from '../still-clock.js';
import { contractTools, type Harness } from './tools.js';

const HOUR = 3_600_000;

/** How every outbox keeps the quarantine and the dead letters within their bounds. */
export function boundsContract(name: string, harness: Harness): void {
  const { start, outcomes } = contractTools(harness);
  const entries = (count: number, source = 'segment', from = 0) =>
    Array.from({ length: count }, (_, at) =>
      newQuarantined({ source, raw: JSON.stringify(`${source}-${from + at}`) }),
    );
  const inQuarantine = async (outbox: Outbox): Promise<unknown[]> =>
    (await outbox.quarantine.list({ limit: 1_000 })).map(({ raw }) => JSON.parse(raw));
  const bury = async (outbox: Outbox, sink: string, at = NOW): Promise<void> => {
    const consumer = outbox.consumer(sink, 1);
    const attempt = { at, error: 'no' };
    const claimed = await claimAll(consumer);
    await settle(
      consumer,
      claimed.map(({ id }) => ({ id, outcome: 'dead', attempt })),
    );
    await consumer.close();
  };
  const letters = async (outbox: Outbox): Promise<string[]> =>
    (await outbox.deadLetters.list({ limit: 1_000 })).map(
      ({ json, sink }) => `${sink} ${JSON.parse(json).messageId}`,
    );
  /** Lets whatever looks now and then have its look, until what it finds is as it should be. */
  const pass = async (
    outbox: Outbox,
    clock: StillClock,
    ms: number,
    found: () => Promise<boolean> | boolean,
  ): Promise<void> => {
    clock.move(ms);
    for (let at = 0; !(await found()); at += 1) {
      if (at > 10_000) throw new Error('nothing has looked');
      await outbox.stats();
    }
  };

  describe(`${name}: a full quarantine`, () => {
    const quarantine = { max: 3, keep: 30 * 24 * HOUR };

    it('accepts the valid events of a delivery and drops its oldest entries, with a line and a count', async () => {
      const { outbox, lost, lines } = await start(['archive'], { quarantine });
      await outbox.append(delivery([], entries(3)));
      const appended = await outbox.append(delivery([newEvent('a')], entries(2, 'segment', 3)));
      expect(appended).toMatchObject([{ outcome: 'accepted' }]);
      await expect(outbox.probe()).resolves.toBeUndefined();
      expect(await inQuarantine(outbox)).toEqual(['segment-2', 'segment-3', 'segment-4']);
      expect(await outbox.stats()).toMatchObject({ quarantined: 5, inQuarantine: 3 });
      expect([...lost]).toEqual([['quarantine segment max', 2]]);
      expect(lines.at(-1)).toMatch(
        /of source segment dropped by outbox\.quarantine\.max \(too many\); see trackbridge quarantine$/,
      );
    });

    it('takes them from the source that has the most', async () => {
      const { outbox, lost } = await start(['archive'], { quarantine: { ...quarantine, max: 5 } });
      await outbox.append(delivery([], entries(2, 'quiet')));
      await outbox.append(delivery([], entries(9, 'flooded')));
      expect(await inQuarantine(outbox)).toEqual([
        ...['quiet-0', 'quiet-1', 'flooded-6', 'flooded-7', 'flooded-8'],
      ]);
      expect([...lost]).toEqual([['quarantine flooded max', 6]]);
    });

    it('takes one delivery that alone is more than it holds', async () => {
      const { outbox } = await start(['archive'], { quarantine });
      await outbox.append(delivery([newEvent('a')], entries(900)));
      expect(await inQuarantine(outbox)).toEqual(['segment-897', 'segment-898', 'segment-899']);
    });

    it('makes room for unauthenticated events by what it drops', async () => {
      const { outbox } = await start(['archive'], { quarantine: { ...quarantine, max: 2 } });
      const unauthenticated = (count: number) => ({
        events: [],
        quarantined: entries(count).map((each) => ({ ...each, reason: 'unauthenticated' })),
        unauthenticatedLimit: 2,
      });
      await outbox.append(unauthenticated(2));
      await outbox.append(delivery([], entries(2)));
      await outbox.append(unauthenticated(2));
      expect(await outbox.stats()).toMatchObject({ quarantined: 6, inQuarantine: 2 });
    });

    it('writes a line a minute, with how many there were', async () => {
      const { outbox, lines, clock, lost } = await start(['archive'], { quarantine });
      for (let at = 0; at < 10; at += 1) await outbox.append(delivery([], entries(1)));
      const dropped = (): string[] => lines.filter((line) => line.includes('dropped'));
      expect(dropped()).toHaveLength(1);
      await pass(outbox, clock, 60_000, () => dropped().length > 1);
      expect(dropped()).toEqual([
        expect.stringContaining('1 quarantined event of source segment dropped'),
        expect.stringContaining('6 quarantined events of source segment dropped'),
      ]);
      expect([...lost]).toEqual([['quarantine segment max', 7]]);
    });
  });

  describe(`${name}: dead letters over their bound`, () => {
    it('lose the oldest of the sink that has the most', async () => {
      const deadLetters = { max: 4, keep: HOUR };
      const { outbox, lost, lines } = await start(['archive', 'orders'], { deadLetters });
      await outcomes(outbox, newEvents(1));
      await bury(outbox, 'orders');
      await outcomes(outbox, newEvents(5, {}, 1));
      await bury(outbox, 'archive');
      expect(await letters(outbox)).toEqual([
        'orders m0',
        'archive m3',
        'archive m4',
        'archive m5',
      ]);
      expect([...lost]).toEqual([['deadLetters archive max', 3]]);
      expect(lines.at(-1)).toMatch(
        /of sink archive dropped by outbox\.deadLetters\.max \(too many\)/,
      );
      const { sinks } = await outbox.stats();
      expect(sinks.map((sink) => sink.deadLetters)).toEqual([3, 1]);
    });
  });

  describe.runIf(harness.injectedClock)(`${name}: what is older than its bound`, () => {
    it('is dropped from quarantine and dead letters, with a count', async () => {
      const bounds = { max: 100, keep: HOUR };
      const options = { quarantine: bounds, deadLetters: bounds, dedupeWindow: HOUR };
      const { outbox, clock, lost } = await start(['archive'], options);
      await outbox.append(delivery(newEvents(2), entries(2)));
      await bury(outbox, 'archive');
      clock.move(HOUR - 2_000);
      await outbox.append(
        delivery([], [newQuarantined({ source: 'web', receivedAt: clock.now() })]),
      );
      expect(await outbox.stats()).toMatchObject({ inQuarantine: 3 });
      await pass(outbox, clock, 3_000, () => lost.size === 2);
      expect(await outbox.stats()).toMatchObject({
        inQuarantine: 1,
        sinks: [{ name: 'archive', deadLetters: 0 }],
      });
      expect([...lost].sort()).toEqual([
        ['deadLetters archive keep', 2],
        ['quarantine segment keep', 2],
      ]);
    });

    it('does not wait for entries that came under a clock that was ahead', async () => {
      const { outbox, clock } = await start([], { quarantine: { max: 100, keep: HOUR } });
      const ahead = newQuarantined({ source: 'ahead', receivedAt: NOW + 48 * HOUR });
      await outbox.append(delivery([], [ahead, ...entries(1)]));
      await pass(outbox, clock, HOUR, async () => (await outbox.stats()).inQuarantine === 1);
      const kept = await outbox.quarantine.list({ limit: 9 });
      expect(kept.map(({ source }) => source)).toEqual(['ahead']);
    });
  });
}
