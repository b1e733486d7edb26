import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BacklogLevels } from '../../src/outbox/backlog-levels.js';
import { excessOf, limitsOf, outboxFull, refuses, roomFor } from '../../src/outbox/limits.js';
import type { FullPolicy } from '../../src/outbox/store.js';

const limit = (maxPending: number, full: FullPolicy = 'refuse') => ({ maxPending, full });

describe('the limit of a backlog', () => {
  it('is that of the sink, and at most that of the outbox', () => {
    const sinks = [
      { name: 'own', maxPending: 5, full: 'drop-oldest' as const },
      { name: 'large', maxPending: 50 },
      { name: 'none' },
    ];
    expect([...limitsOf(sinks, 10)]).toEqual([
      ['own', limit(5, 'drop-oldest')],
      ['large', limit(10)],
      ['none', limit(10)],
    ]);
  });

  it('never lets a backlog beyond it, and wastes no room', () => {
    const count = fc.integer({ min: 0, max: 20 });
    fc.assert(
      fc.property(count, count, count, (pending, further, most) => {
        expect(refuses(pending, further, limit(most))).toBe(pending + further > most);
        expect(refuses(pending, further, limit(most, 'drop-oldest'))).toBe(false);
        expect(excessOf(pending, limit(most))).toBe(0);
        const kept = pending - excessOf(pending, limit(most, 'dead-letter'));
        expect(kept).toBe(Math.min(pending, most));
        const room = roomFor(further, pending, limit(most));
        expect(room).toBe(pending >= most ? 0 : Math.min(further, most - pending));
      }),
    );
  });

  it('names the full sinks and the time after which to retry', () => {
    expect(outboxFull(['a'])).toMatchObject({ code: 'OUTBOX_FULL', retryAfter: 5_000 });
    expect(outboxFull(['a']).message).toContain('backlog of sink a is at maxPending;');
    expect(outboxFull(['a', 'b']).message).toContain('backlog of sinks a, b is at maxPending;');
  });
});

describe('the levels of a backlog', () => {
  const rises = (...pending: readonly number[]): (number | undefined)[] => {
    const levels = new BacklogLevels();
    return pending.map((count) => levels.risenTo('archive', count, limit(1_000)));
  };

  it('are reported from exactly their share of the limit', () => {
    expect(rises(499, 500, 799, 800, 899, 900, 999, 1_000)).toEqual([
      ...[undefined, 50, undefined, 80, undefined, 90, undefined, 100],
    ]);
    expect(rises(1_000)).toEqual([100]);
    expect(rises(0, 499)).toEqual([undefined, undefined]);
  });

  it('are reported again once the backlog fell below nine tenths of the level', () => {
    expect(rises(500, 450, 500)).toEqual([50, undefined, undefined]);
    expect(rises(500, 449, 500)).toEqual([50, undefined, 50]);
    expect(rises(900, 810, 900)).toEqual([90, undefined, undefined]);
    expect(rises(900, 809, 900)).toEqual([90, undefined, 90]);
  });

  it('are those of each sink', () => {
    const levels = new BacklogLevels();
    expect(levels.risenTo('a', 500, limit(1_000))).toBe(50);
    expect(levels.risenTo('b', 500, limit(1_000))).toBe(50);
    expect(levels.risenTo('a', 500, limit(1_000))).toBeUndefined();
  });
});
