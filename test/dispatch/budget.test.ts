import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Budget, budgetFor } from '../../src/dispatch/budget.js';
import { idle } from './fake-clock.js';

const never = new AbortController().signal;

/** With four sinks of 800 bytes: a share of 100 each, and 400 to lend, of which one gets 200 at most. */
const four = () => {
  const budget = new Budget(800, 4);
  return [budget.account(), budget.account(), budget.account(), budget.account()] as const;
};

/** What a wait has come to, once everything that is ready has run. */
async function stateOf(wait: Promise<boolean>): Promise<boolean | 'waits'> {
  const waits = idle().then(() => 'waits' as const);
  return await Promise.race([wait, waits]);
}

describe('the budget', () => {
  it('gives each sink its share, whatever the others hold', async () => {
    const [a, b, c, d] = four();
    expect([a.tryTake(300), b.tryTake(300)]).toEqual([true, true]);
    expect([c.tryTake(101), c.tryTake(100), c.tryTake(1)]).toEqual([false, true, false]);
    const waits = c.take(50, never);
    expect(await stateOf(waits)).toBe('waits');
    expect([d.tryTake(60), d.tryTake(40), d.tryTake(1)]).toEqual([true, true, false]);
    expect([a.borrows, b.borrows, c.borrows, d.borrows]).toEqual([true, true, false, false]);
  });

  it('lends no sink more than half of what there is to lend, where there are others', () => {
    const [a, b] = four();
    expect([a.tryTake(301), a.tryTake(300), a.tryTake(1)]).toEqual([true, false, false]);
    a.give(301);
    expect(b.tryTake(100)).toBe(true);
    expect([a.tryTake(150), a.tryTake(151), a.tryTake(150)]).toEqual([true, false, true]);
    const alone = new Budget(800, 1).account();
    expect([alone.tryTake(400), alone.tryTake(400), alone.tryTake(1)]).toEqual([true, true, false]);
  });

  it('lets an event that is larger than everything go alone, when nothing is lent', async () => {
    const [a, b, c] = four();
    a.tryTake(150);
    const large = b.take(5_000, never);
    expect(await stateOf(large)).toBe('waits');
    // Who comes later waits behind it, or it would wait for ever.
    expect(c.tryTake(150)).toBe(false);
    a.give(150);
    expect(await large).toBe(true);
    expect(a.tryTake(101)).toBe(false);
    expect(a.tryTake(100)).toBe(true);
    b.give(5_000);
    expect(c.tryTake(150)).toBe(true);
  });

  it('serves those first who came first, but for who waits for its own sink', async () => {
    const [a, b, c, d] = four();
    a.tryTake(300);
    b.tryTake(250);
    const waits = [a.take(50, never), c.take(170, never), d.take(120, never)];
    // The last one would fit, but it came after the second, which does not.
    expect(await Promise.all(waits.map(stateOf))).toEqual(['waits', 'waits', 'waits']);
    b.give(50);
    expect(await Promise.all(waits.map(stateOf))).toEqual(['waits', true, true]);
    c.give(170);
    d.give(120);
    expect(await Promise.all(waits.map(stateOf))).toEqual(['waits', true, true]);
    a.give(100);
    expect(await Promise.all(waits.map(stateOf))).toEqual([true, true, true]);
  });

  it('forgets who stops waiting, and lets those behind it pass', async () => {
    const [a, b, c] = four();
    a.tryTake(300);
    const abort = new AbortController();
    const gone = b.take(500, abort.signal);
    const next = c.take(200, never);
    expect(await Promise.all([gone, next].map(stateOf))).toEqual(['waits', 'waits']);
    abort.abort();
    expect(await Promise.all([gone, next])).toEqual([false, true]);
    expect(await b.take(1, abort.signal)).toBe(false);
    const kept = new AbortController();
    expect(await b.take(50, kept.signal)).toBe(true);
    expect(getEventListeners(kept.signal, 'abort')).toHaveLength(0);
  });

  it('counts what is there already beyond all limits, until it is given back', () => {
    const [a, b] = four();
    a.tryTake(100);
    a.adjust(900);
    expect(b.tryTake(101)).toBe(false);
    a.adjust(-900);
    expect(b.tryTake(101)).toBe(true);
  });

  it('tells who collects that somebody waits for what its sink has borrowed', async () => {
    const [a, b, c] = four();
    const told: string[] = [];
    const abort = new AbortController();
    a.tryTake(50);
    const small = a.wanted(abort.signal).then(() => told.push('a'));
    b.tryTake(300);
    const large = b.wanted(abort.signal).then(() => told.push('b'));
    const waits = c.take(1_000, never);
    await idle();
    expect(told).toEqual(['b']);
    await b.wanted(never);
    b.give(300);
    expect(await waits).toBe(true);
    abort.abort();
    await Promise.all([small, large]);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });

  it('is a part of the heap, and at most 128 MB', () => {
    expect(budgetFor(192 * 2 ** 20)).toBe(24 * 2 ** 20);
    expect(budgetFor(4 * 2 ** 30)).toBe(128 * 2 ** 20);
  });
});
