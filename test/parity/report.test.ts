import { expect, it } from 'vitest';
import { publicReport } from '../../src/parity/report/report.js';
import { Bench } from './bench.js';

it('promises programs these members and no others', () => {
  const bench = new Bench();
  bench.both({ event: 'A', userId: 'u', messageId: 'm' }, { name: 'x' });
  bench.settle();
  const report = publicReport(bench.report());
  expect(Object.keys(report)).toEqual([
    ...['name', 'left', 'right', 'since', 'until', 'both', 'onlyLeft', 'onlyRight', 'different'],
    ...['match', 'pending', 'late', 'repeats', 'silent', 'lag', 'events', 'differences'],
  ]);
  expect(report.differences.map((row) => Object.keys(row))).toEqual([
    ['path', 'kind', 'events', 'example'],
  ]);
  expect(report.events.map((row) => Object.keys(row))[0]).toEqual([
    ...['type', 'event', 'both', 'onlyLeft', 'onlyRight', 'different'],
  ]);
});

it('has no match without a verdict', () => {
  const bench = new Bench();
  bench.deliver('left', { event: 'A', userId: 'u' });
  bench.pass(60_000);
  expect(bench.report()).toMatchObject({ match: null, pending: 1, lag: { p50: null, p99: null } });
});

it('covers the time since it was asked for', () => {
  const bench = new Bench();
  bench.deliver('left', { event: 'Lost', userId: 'u' });
  bench.settle();
  const then = bench.now;
  bench.pass(120_000);
  bench.both({ event: 'Kept', userId: 'u' });
  bench.settle();
  expect(bench.report().onlyLeft).toBe(1);
  expect(bench.report(then)).toMatchObject({ onlyLeft: 0, match: 100 });
});

it('keeps its counts when old ones are merged', () => {
  const bench = new Bench();
  bench.both({ event: 'A', userId: 'u' });
  bench.settle();
  const before = bench.report();
  bench.pass(7_200_000);
  bench.pass(7_200_000);
  const after = bench.report();
  const { series, since } = after;
  expect({ ...after, until: '' }).toEqual({ ...before, until: '', series, since });
});

it('says that a call is missing if no event of its name has a partner', () => {
  const bench = new Bench();
  for (let at = 0; at < 5; at += 1) {
    bench.deliver('left', { event: 'Forgotten', userId: `u${at}` });
    bench.both({ event: 'Sent', userId: `u${at}` });
    bench.pass(1_000);
  }
  bench.settle();
  expect(bench.report().missing).toMatchObject([
    {
      side: 'left',
      event: 'Forgotten',
      events: 5,
      cause: 'the right side never delivers it: the call is missing there, or the vendor blocks it',
      example: { event: 'Forgotten' },
    },
  ]);
});
