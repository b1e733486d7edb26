import { expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import { Bench } from './bench.js';

const ORDER = { event: 'Order Completed', userId: 'u1', properties: { total: 19.99 } };
const NONE = { onlyLeft: 0, onlyRight: 0, different: 0, late: 0, pending: 0, repeats: 0 };

it('pairs two events by messageId, whatever else differs', () => {
  const bench = new Bench();
  bench.both({ ...ORDER, messageId: 'm1' }, { userId: 'u2', event: 'Order Finished' });
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 1, different: 1 });
  expect(bench.report().differences.map(({ kind, path }) => [path, kind])).toEqual([
    ['/event', 'value'],
    ['/userId', 'value'],
  ]);
  expect(bench.report().grades.exact).toBe(1);
});

it('pairs by the correlation value, with clocks hours apart', () => {
  const bench = new Bench({ correlate: '/context/callId' });
  const context = { callId: 'c1' };
  bench.deliver('left', { ...ORDER, context }, 7_200_000);
  bench.deliver('right', { ...ORDER, context, properties: { total: 20.99 } });
  bench.settle();
  expect(bench.verdicts()).toMatchObject({ both: 1, different: 1, onlyLeft: 0, onlyRight: 0 });
  expect(bench.report().grades.exact).toBe(1);
});

it('pairs by fingerprint and call time', () => {
  const bench = new Bench();
  bench.both(ORDER);
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 1 });
  expect(bench.report().grades.strong).toBe(2);
});

it('reports a changed property as a difference, not as two lost events', () => {
  const bench = new Bench();
  bench.both(ORDER, { properties: { total: '19.99' } });
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 1, different: 1 });
  expect(bench.report().differences).toMatchObject([
    {
      path: '/properties/total',
      kind: 'type',
      events: 1,
      cause: 'one side sends a number as text',
      example: {
        left: { properties: { total: 19.99 } },
        right: { properties: { total: '19.99' } },
      },
    },
  ]);
});

it('counts a lost event once the other side was alive for long enough', () => {
  const bench = new Bench();
  bench.deliver('left', ORDER);
  bench.pass(600_000);
  expect(bench.verdicts()).toMatchObject({ pending: 1, onlyLeft: 0 });
  bench.both({ event: 'Alive' });
  bench.pass(299_000);
  expect(bench.verdicts()).toMatchObject({ pending: 1, onlyLeft: 0 });
  bench.pass(10_000);
  expect(bench.verdicts()).toMatchObject({ pending: 0, onlyLeft: 1 });
});

it('turns a missing event into a late one when its partner arrives', () => {
  const bench = new Bench();
  bench.deliver('left', ORDER);
  bench.settle();
  expect(bench.verdicts()).toMatchObject({ both: 0, onlyLeft: 1, late: 0 });
  bench.deliver('right', ORDER, 320_000);
  bench.settle();
  expect(bench.verdicts()).toMatchObject({ both: 1, onlyLeft: 0, onlyRight: 0, late: 1 });
});

it('does not pair with an event that is missing for longer than final', () => {
  const bench = new Bench({ final: 3_600_000 });
  bench.deliver('left', ORDER);
  bench.settle();
  bench.pass(3_600_000);
  bench.deliver('right', ORDER, 3_920_000);
  bench.settle();
  expect(bench.verdicts()).toMatchObject({ both: 0, onlyLeft: 1, onlyRight: 1, late: 0 });
});

it('counts a redelivery within a side and pairs the event once', () => {
  const bench = new Bench();
  bench.both({ ...ORDER, messageId: 'm1' });
  bench.pass(60_000);
  bench.deliver('right', { ...ORDER, messageId: 'm1' });
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 1, repeats: 1 });
});

it('finds which of two identical calls was lost, without a field finding', () => {
  const bench = new Bench();
  bench.both(ORDER);
  bench.pass(200);
  bench.deliver('left', ORDER);
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 1, onlyLeft: 1 });
});

it('reports a silent side as an outage, and its events are not missing', () => {
  const bench = new Bench();
  bench.both(ORDER);
  for (let at = 0; at < 10; at += 1) {
    bench.pass(60_000);
    bench.deliver('left', { ...ORDER, properties: { at } });
  }
  expect(bench.report().silent).toMatchObject([{ side: 'right', to: null }]);
  bench.settle();
  bench.pass(700_000);
  expect(bench.verdicts()).toMatchObject({ onlyLeft: 0, pending: 0 });
  expect(bench.report().silent).toMatchObject([{ side: 'right', events: 11 }]);
});

it('counts losses of a side that delivers everything later than the other', () => {
  const bench = new Bench({ settle: 2_000, window: 2_000 });
  const call = (at: number): JsonObject => ({ ...ORDER, messageId: `m${at}` });
  for (let at = 0; at < 20; at += 1) {
    bench.deliver('left', call(at));
    bench.pass(500);
  }
  for (let at = 0; at < 20; at += 1) {
    if (at !== 7) bench.deliver('right', call(at));
    bench.pass(500);
  }
  bench.settle();
  bench.settle();
  expect(bench.verdicts()).toMatchObject({ both: 19, onlyLeft: 1 });
});

it('calls no side silent that delivers little', () => {
  const bench = new Bench();
  bench.both(ORDER);
  bench.pass(600_000);
  bench.deliver('left', { ...ORDER, properties: {} });
  bench.pass(600_000);
  bench.settle();
  expect(bench.verdicts()).toMatchObject({ onlyLeft: 1 });
  expect(bench.report().silent).toEqual([]);
});

it('learns which anonymousIds belong together', () => {
  const bench = new Bench();
  for (const event of ['A', 'B', 'C', 'D']) {
    bench.deliver('left', { event, anonymousId: 'left-visitor' });
    bench.deliver('right', { event, anonymousId: 'right-visitor' });
    bench.pass(20_000);
  }
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 4 });
  expect(bench.report().rules).toContainEqual({ rule: 'anonymous-map', events: 4 });
});

it('keeps visitors apart that do the same at the same time', () => {
  const bench = new Bench();
  const visit = (event: string, properties = {}): void => {
    for (const who of ['x', 'y']) {
      bench.deliver('left', { event, properties, anonymousId: `l-${who}` });
      bench.pass(5);
      bench.deliver('right', { event, properties, anonymousId: `r-${who}` });
      bench.pass(5);
    }
  };
  for (const who of ['x', 'y']) {
    for (const n of [1, 2, 3]) {
      bench.deliver('left', { event: `Own ${who} ${n}`, anonymousId: `l-${who}` });
      bench.deliver('right', { event: `Own ${who} ${n}`, anonymousId: `r-${who}` });
      bench.pass(10_000);
    }
  }
  visit('Same');
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 8 });
  expect(bench.report().grades.repeat).toBe(0);
});

it('continues after a restart at any moment with the same verdicts', () => {
  const bench = new Bench();
  bench.deliver('left', ORDER);
  bench.restart();
  bench.deliver('right', ORDER);
  bench.pass(1_000);
  bench.restart();
  bench.pass(5_000);
  bench.deliver('left', { ...ORDER, properties: { lost: true } });
  bench.restart();
  bench.pass(60_000);
  bench.settle();
  bench.restart();
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 1, onlyLeft: 1 });
});

it('does not call an event missing because the receiver was down', () => {
  const bench = new Bench();
  bench.deliver('left', ORDER);
  bench.deliver('right', { ...ORDER, event: 'Other' });
  bench.deliver('left', { ...ORDER, event: 'Other' });
  bench.pass(3_000);
  bench.now += 3_600_000;
  bench.restart();
  bench.pass(10_000);
  expect(bench.verdicts()).toMatchObject({ pending: 1, onlyLeft: 0 });
  bench.deliver('right', ORDER, 3_613_000);
  bench.settle();
  expect(bench.verdicts()).toEqual({ ...NONE, both: 2 });
});

it('excuses an event near a gap of the recording', () => {
  const bench = new Bench();
  bench.both(ORDER);
  bench.deliver('left', { ...ORDER, event: 'Near' });
  bench.comparison.gap(bench.now + 100, bench.now + 200);
  bench.settle();
  expect(bench.verdicts()).toMatchObject({ both: 1, onlyLeft: 0 });
  expect(bench.report().gaps).toHaveLength(1);
});

it('is the percentage of all events that belong to a pair without a difference', () => {
  const bench = new Bench();
  for (let at = 0; at < 8; at += 1) bench.both({ ...ORDER, properties: { at } });
  bench.both({ ...ORDER, messageId: 'm' }, { properties: { other: 1 } });
  bench.deliver('left', { ...ORDER, event: 'Lost' });
  bench.settle();
  const { both, different, interval, match, onlyLeft } = bench.report();
  expect({ both, different, onlyLeft }).toEqual({ both: 10, different: 1, onlyLeft: 1 });
  expect(match).toBeCloseTo((100 * 18) / 21, 3);
  expect(interval[0]).toBeLessThan(match ?? 0);
  expect(interval[1]).toBeGreaterThan(match ?? 0);
});
