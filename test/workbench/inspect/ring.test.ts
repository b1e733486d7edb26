import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../../src/workbench/inspect/ring.js';

const entry = (id: string) => ({ id });
const idsOf = (ring: Ring<{ id: string }>): string[] => ring.newest().map(({ id }) => id);

describe('a ring', () => {
  it('keeps the newest so many', () => {
    const ring = new Ring({ entries: 2, bytes: 1_000 });
    for (const id of ['a', 'b', 'c']) ring.add(entry(id), 1);
    expect(idsOf(ring)).toEqual(['c', 'b']);
    expect(ring.get('a')).toBeUndefined();
    expect(ring.get('b')).toEqual({ id: 'b' });
  });

  it('keeps the newest of so many bytes, also as they grow', () => {
    const ring = new Ring({ entries: 10, bytes: 10 });
    ring.add(entry('a'), 4);
    ring.add(entry('b'), 6);
    expect(idsOf(ring)).toEqual(['b', 'a']);
    ring.grow('b', 1);
    expect(idsOf(ring)).toEqual(['b']);
    ring.grow('a', 100);
    expect(ring.bytes).toBe(7);
  });

  it('holds nothing of an entry that is larger than itself', () => {
    const ring = new Ring({ entries: 10, bytes: 10 });
    ring.add(entry('a'), 4);
    ring.add(entry('b'), 11);
    expect([ring.size, ring.bytes]).toEqual([0, 0]);
  });

  it('says which go, each once', () => {
    const gone: string[] = [];
    const ring = new Ring({ entries: 2, bytes: 10 }, ({ id }) => gone.push(id));
    for (const id of ['a', 'b', 'c']) ring.add(entry(id), 1);
    ring.clear();
    expect(gone).toEqual(['a', 'b', 'c']);
    expect(ring.bytes).toBe(0);
  });

  it('never holds more than its limits, whatever comes', () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 20 }).map(String),
      bytes: fc.nat(30),
      grows: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const held = new Set<string>();
        const ring = new Ring<{ id: string }>({ entries: 5, bytes: 50 }, ({ id }) =>
          held.delete(id),
        );
        for (const { id, bytes, grows } of steps) {
          if (grows) ring.grow(id, bytes);
          else {
            held.add(id);
            ring.add(entry(id), bytes);
            if (ring.get(id) !== undefined) held.add(id);
          }
          expect(ring.size).toBeLessThanOrEqual(5);
          expect(ring.bytes).toBeLessThanOrEqual(50);
          expect(new Set(idsOf(ring))).toEqual(held);
        }
      }),
    );
  });
});
