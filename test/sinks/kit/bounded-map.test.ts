import { describe, expect, it } from 'vitest';
import { BoundedMap } from '../../../src/sinks/kit/bounded-map.js';

describe('a bounded map', () => {
  it('keeps what is used, and never more than it may', () => {
    const map = new BoundedMap<string, number>(100);
    map.set('used', 1);
    for (let at = 0; at < 10_000; at++) {
      map.set(`key-${at}`, at);
      expect(map.get('used')).toBe(1);
    }
    const kept = Array.from({ length: 10_000 }, (_, at) => map.get(`key-${at}`)).filter(
      (value) => value !== undefined,
    );
    expect(kept.length).toBeLessThan(100);
    expect(kept.length).toBeGreaterThan(0);
    expect(map.get('key-0')).toBeUndefined();
  });

  it('forgets what is deleted, of whichever age, and everything when cleared', () => {
    const map = new BoundedMap<string, number>(4);
    for (const [at, key] of ['a', 'b', 'c'].entries()) map.set(key, at);
    map.delete('a');
    map.delete('c');
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([undefined, 1, undefined]);
    map.clear();
    expect(map.get('b')).toBeUndefined();
  });
});
