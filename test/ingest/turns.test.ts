import { describe, expect, it } from 'vitest';
import { type EndTurn, Pace, Turns } from '../../src/ingest/turns.js';
import { idle } from '../dispatch/fake-clock.js';
import { errorOf } from '../http/requests.js';

const NEVER = new AbortController().signal;

/** Who takes turns in a test, and whose turn it is or was, in order. */
function taking() {
  const turns = new Turns();
  const order: string[] = [];
  const ends = new Map<string, EndTurn>();
  const take = (name: string, signal = NEVER): Promise<void> =>
    turns.take(signal).then((end) => {
      order.push(name);
      ends.set(name, end);
    });
  return { take, order, end: (name: string) => ends.get(name)?.() };
}

describe('turns', () => {
  it('come one at a time, in the order in which they were asked for', async () => {
    const { take, order, end } = taking();
    const all = ['a', 'b', 'c'].map((name) => take(name));
    await idle();
    expect(order).toEqual(['a']);
    end('a');
    await idle();
    await idle();
    expect(order).toEqual(['a', 'b']);
    end('b');
    await Promise.all(all);
    end('c');
    await idle();
    await take('d');
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('let the event loop turn before the next begins', async () => {
    const { take, order, end } = taking();
    await take('a');
    const next = take('b');
    end('a');
    // All promises that are ready are through before this.
    await new Promise((resolve) => process.nextTick(resolve));
    expect(order).toEqual(['a']);
    await next;
    expect(order).toEqual(['a', 'b']);
  });

  it('are not waited for longer than the budget, and hold nobody up then', async () => {
    const { take, order, end } = taking();
    await take('a');
    const budget = new AbortController();
    const given = errorOf(() => take('b', budget.signal));
    const last = take('c');
    budget.abort();
    expect(await given).toMatchObject({ code: 'BUDGET_SPENT', status: 503 });
    end('a');
    await last;
    expect(order).toEqual(['a', 'c']);
  });

  it('are not begun where the budget is spent already', async () => {
    const { take, order } = taking();
    expect(await errorOf(() => take('a', AbortSignal.abort()))).toMatchObject({
      code: 'BUDGET_SPENT',
    });
    await take('b');
    expect(order).toEqual(['b']);
  });
});

describe('the pace of reading', () => {
  it('lets four go on in each turn of the event loop, in order', async () => {
    const pace = new Pace();
    const gone: number[] = [];
    for (let index = 0; index < 10; index++) void pace.next().then(() => gone.push(index));
    const counts: number[] = [];
    for (let turns = 0; turns < 5; turns++) {
      await idle();
      counts.push(gone.length);
    }
    expect(counts.at(-1)).toBe(10);
    expect(Math.max(...counts.map((count, at) => count - (counts[at - 1] ?? 0)))).toBe(4);
    expect(gone).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await pace.next();
  });
});
