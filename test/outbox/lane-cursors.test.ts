import { describe, expect, it } from 'vitest';
import { type BufferedEvent, LaneCursors } from '../../src/outbox/lane-cursors.js';

type LaneEvent = BufferedEvent & { lane: number };

function event(position: number, lane: number, characters = 10): LaneEvent {
  const json = 'x'.repeat(characters);
  return { position, lane, json, id: String(position), orderKey: `u:${lane}`, attempts: [] };
}

function events(from: number, to: number, laneOf: (position: number) => number): LaneEvent[] {
  return Array.from({ length: to - from }, (_, at) => event(from + 1 + at, laneOf(from + 1 + at)));
}

describe('lane cursors', () => {
  it('feed all lanes together while they stand at the same place', () => {
    const cursors = new LaneCursors(2, 0);
    const stretch = cursors.stretchFor(0, 100);
    expect(stretch).toEqual({ from: 0, to: 100 });
    cursors.feed(stretch, 4, [event(1, 0), event(2, 1), event(4, 0)]);
    expect(cursors.shift(0, 10).map(({ position }) => position)).toEqual([1, 4]);
    expect(cursors.shift(1, 10).map(({ position }) => position)).toEqual([2]);
    expect(cursors.stretchFor(1, 100)).toEqual({ from: 4, to: 100 });
  });

  it('leave out a lane that holds enough, and bring it back once it has caught up', () => {
    const cursors = new LaneCursors(2, 0);
    // Lane 1 is stuck: 1,000 events of its own wait.
    cursors.feed(
      { from: 0, to: 1_000 },
      1_000,
      events(0, 1_000, () => 1),
    );
    const without = cursors.stretchFor(0, 9_999);
    expect(without).toEqual({ from: 1_000, to: 9_999, only: [0] });
    cursors.feed(
      without,
      3_000,
      events(1_000, 1_100, () => 0),
    );
    expect(cursors.isBehind(1, 3_000)).toBe(true);
    expect(cursors.isBehind(0, 3_000)).toBe(false);
    expect(cursors.shift(0, 200)).toHaveLength(100);

    // It moves again: it is read for alone, up to where the other stands.
    expect(cursors.shift(1, 1_000)).toHaveLength(1_000);
    const alone = cursors.stretchFor(1, 9_999);
    expect(alone).toEqual({ from: 1_000, to: 3_000, only: [1] });
    cursors.feed(alone, 3_000, []);
    expect(cursors.stretchFor(1, 9_999)).toEqual({ from: 3_000, to: 9_999 });
  });

  it('leave out a lane whose events are large, by its share of 16 MB', () => {
    const cursors = new LaneCursors(4, 0);
    cursors.feed({ from: 0, to: 1 }, 1, [event(1, 2, 4 * 1024 * 1024)]);
    expect(cursors.stretchFor(0, 9)).toEqual({ from: 1, to: 9, only: [0, 1, 3] });
    cursors.shift(2, 1);
    expect(cursors.stretchFor(0, 9)).toEqual({ from: 1, to: 9 });
  });

  it('refuse a lane that there is not', () => {
    expect(() => new LaneCursors(2, 0).shift(2, 1)).toThrow(/no lane 2 of 2/);
  });
});
