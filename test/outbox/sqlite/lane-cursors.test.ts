import { describe, expect, it } from 'vitest';
import { type BufferedEvent, LaneCursors } from '../../../src/outbox/sqlite/lane-cursors.js';

type LaneEvent = BufferedEvent & { lane: number };

function event(position: number, lane: number, bytes = 10): LaneEvent {
  const json = 'x'.repeat(bytes);
  const id = String(position);
  return { position, lane, json, bytes, id, orderKey: `u:${lane}`, attempts: [] };
}

function events(from: number, to: number, laneOf: (position: number) => number): LaneEvent[] {
  return Array.from({ length: to - from }, (_, at) => event(from + 1 + at, laneOf(from + 1 + at)));
}

describe('lane cursors', () => {
  it('feed all lanes together while they stand at the same place', () => {
    const cursors = new LaneCursors(2, 0);
    const range = cursors.rangeFor(0, 100);
    expect(range).toEqual({ from: 0 });
    cursors.feed(range, 4, [event(1, 0), event(2, 1), event(4, 0)]);
    expect(cursors.shift(0, 10).map(({ position }) => position)).toEqual([1, 4]);
    expect(cursors.shift(1, 10).map(({ position }) => position)).toEqual([2]);
    expect(cursors.rangeFor(1, 100)).toEqual({ from: 4 });
  });

  it('leave out a lane that holds enough, and bring it back once it has caught up', () => {
    const cursors = new LaneCursors(2, 0);
    // Lane 1 is stuck: 1,000 events of its own wait.
    cursors.feed(
      { from: 0, to: 1_000 },
      1_000,
      events(0, 1_000, () => 1),
    );
    const without = cursors.rangeFor(0, 9_999);
    expect(without).toEqual({ from: 1_000, only: [0] });
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
    const alone = cursors.rangeFor(1, 9_999);
    expect(alone).toEqual({ from: 1_000, to: 3_000, only: [1] });
    cursors.feed(alone, 3_000, []);
    expect(cursors.rangeFor(1, 9_999)).toEqual({ from: 3_000 });
  });

  it('leave out a lane that holds its share of 8 MB over all sinks', () => {
    const cursors = new LaneCursors(4, 0, 2);
    const sized = Array.from({ length: 16 }, (_, at) => event(at + 1, 2, 64 * 1024));
    cursors.feed({ from: 0, to: 15 }, 15, sized.slice(0, 15));
    expect(cursors.rangeFor(0, 99)).toEqual({ from: 15 });
    cursors.feed({ from: 15, to: 16 }, 16, sized.slice(15));
    expect(cursors.rangeFor(0, 99)).toEqual({ from: 16, only: [0, 1, 3] });
    cursors.shift(2, 1);
    expect(cursors.rangeFor(0, 99)).toEqual({ from: 16 });
  });

  it('read up to the newest event beside lanes that have caught up', () => {
    const cursors = new LaneCursors(2, 0);
    cursors.feed({ from: 0, only: [1] }, 50, []);
    expect(cursors.rangeFor(0, 100)).toEqual({ from: 0, to: 50, only: [0] });
    expect(cursors.rangeFor(0, 50)).toEqual({ from: 0, only: [0] });
  });

  it('follow what is written, but for lanes that are behind or full', () => {
    const cursors = new LaneCursors(3, 0);
    cursors.feed({ from: 0, only: [0] }, 10, []);
    cursors.feed(
      { from: 0, only: [2] },
      10,
      events(0, 1_000, () => 2),
    );
    const written = [11, 12, 13].map((position) => ({ ...event(position, 0), hash: position }));
    cursors.follow(10, 13, written);
    expect(cursors.shift(0, 9).map(({ position }) => position)).toEqual([12]);
    expect(cursors.isEmpty(1)).toBe(true);
    expect([0, 1, 2].map((lane) => cursors.isBehind(lane, 13))).toEqual([false, true, true]);
    expect(cursors.shift(2, 9_999)).toHaveLength(1_000);
  });

  it('follow with what they have not read yet', () => {
    const cursors = new LaneCursors(1, 0);
    cursors.feed({ from: 0 }, 11, [event(11, 0)]);
    const written = [11, 12].map((position) => ({ ...event(position, 0), hash: 0 }));
    cursors.follow(10, 12, written);
    expect(cursors.shift(0, 9).map(({ position }) => position)).toEqual([11, 12]);
    cursors.feed({ from: 12 }, 14, [event(13, 0), event(14, 0)]);
    cursors.follow(12, 13, [{ ...event(13, 0), hash: 0 }]);
    expect(cursors.shift(0, 9).map(({ position }) => position)).toEqual([13, 14]);
    expect(cursors.isBehind(0, 14)).toBe(false);
  });

  it('read ahead for a lane that has less than half of what it may hold', () => {
    const cursors = new LaneCursors(2, 0);
    cursors.feed(
      { from: 0 },
      500,
      events(0, 500, () => 0),
    );
    expect([0, 1].map((lane) => cursors.isLow(lane))).toEqual([false, true]);
    cursors.shift(0, 1);
    expect(cursors.isLow(0)).toBe(true);
    cursors.feed(
      { from: 500 },
      532,
      Array.from({ length: 32 }, (_, at) => event(501 + at, 1, 64 * 1024)),
    );
    expect(cursors.isLow(1)).toBe(false);
    cursors.shift(1, 1);
    expect(cursors.isLow(1)).toBe(true);
  });

  it('hold no text that is larger than 64 kB, or than the share of a lane', () => {
    const cursors = new LaneCursors(2, 0);
    const events = [event(1, 0, 64 * 1024), event(2, 0, 64 * 1024 + 1)];
    cursors.feed({ from: 0, to: 2 }, 2, events);
    const [small, large] = cursors.shift(0, 9);
    expect(small?.json).toHaveLength(64 * 1024);
    expect(large).toMatchObject({ position: 2, bytes: 64 * 1024 + 1, json: null });

    const many = new LaneCursors(256, 0, 16);
    expect(many.large).toBe(2 * 1024);
    expect(many.read).toBe(64 * 1024);
  });

  it('hand out no event that does not fit, nor one behind it', () => {
    const cursors = new LaneCursors(1, 0);
    const events = [event(1, 0, 10), event(2, 0, 30), event(3, 0, 10)];
    cursors.feed({ from: 0, to: 3 }, 3, events);
    const asked: number[] = [];
    const fits = (bytes: number): boolean => {
      asked.push(bytes);
      return bytes < 20;
    };
    expect(cursors.shift(0, 9, fits).map(({ position }) => position)).toEqual([1]);
    expect(cursors.shift(0, 9, fits)).toEqual([]);
    expect(asked).toEqual([10, 30, 30]);
    expect(cursors.shift(0, 1).map(({ position }) => position)).toEqual([2]);
  });

  it('put back in front what was taken and could not be read', () => {
    const cursors = new LaneCursors(1, 0);
    cursors.feed({ from: 0, to: 3 }, 3, [event(1, 0), event(2, 0), event(3, 0)]);
    cursors.unshift(0, cursors.shift(0, 2));
    expect(cursors.shift(0, 9).map(({ position }) => position)).toEqual([1, 2, 3]);
  });

  it('refuse a lane that there is not', () => {
    expect(() => new LaneCursors(2, 0).shift(2, 1)).toThrow(/no lane 2 of 2/);
  });
});
