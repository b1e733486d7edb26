import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  keyOf,
  packEntries,
  remembered,
  seenOf,
  unpackEntries,
} from '../../../../../src/outbox/sqlite/store/seen/entry.js';
import { RecentIds } from '../../../../../src/outbox/sqlite/store/seen/recent.js';

// Few first bytes, so that keys meet in the same slots, the last ones included.
const byte = fc.constantFrom(0, 1, 127, 128, 254, 255);
const key = fc
  .tuple(byte, byte, byte, fc.nat(255))
  .map(([a, b, c, d]) => String.fromCharCode(a, b, 0, 0, c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, d));

it('holds what a Map holds, however many more than expected', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, fc.integer({ min: 1, max: 2 ** 48 })), { maxLength: 300 }),
      fc.integer({ min: 1, max: 64 }),
      (entries, expected) => {
        const recent = new RecentIds(expected);
        const model = new Map<string, number>();
        for (const [each, memory] of entries) {
          expect(recent.get(each)).toBe(model.get(each));
          recent.set(each, memory);
          model.set(each, memory);
        }
        expect(recent.size).toBe(model.size);
        for (const [each, memory] of model) expect(recent.get(each)).toBe(memory);
        expect(recent.get('x'.repeat(16))).toBeUndefined();
        recent.clear();
        expect(recent.size).toBe(0);
        for (const each of model.keys()) expect(recent.get(each)).toBeUndefined();
      },
    ),
  );
});

it('hands all of it out in slices, once each, nearly in the order of keys', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(100_000), { maxLength: 400 }),
      fc.integer({ min: 1, max: 50 }),
      (ids, count) => {
        const recent = new RecentIds(100);
        for (const id of ids) recent.set(keyOf('segment', `m${id}`), id + 1);
        const out: [string, number][] = [];
        for (let from: number | undefined = 0; from !== undefined; ) {
          const { entries, next } = recent.slice(from, count);
          expect(entries.length).toBeLessThanOrEqual(count);
          out.push(...entries);
          from = next;
        }
        expect(new Map(out)).toEqual(
          new Map(ids.map((id) => [keyOf('segment', `m${id}`), id + 1])),
        );
        expect(out).toHaveLength(ids.length);
        const steps = out.filter(([each], at) => at > 0 && each < (out[at - 1]?.[0] ?? ''));
        expect(steps.length).toBeLessThanOrEqual(ids.length / 2);
      },
    ),
  );
});

it('packs entries so that they come out as they went in', () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), time, fc.boolean())), (entries) => {
      const packed = entries.map(
        ([id, at, authenticated]) => [keyOf('s', id), remembered(at, authenticated)] as const,
      );
      const unpacked = [...unpackEntries(packEntries(packed))];
      expect(unpacked).toEqual(packed);
      expect(unpacked.map(([, memory]) => seenOf(memory))).toEqual(
        entries.map(([, at, authenticated]) => ({ at, authenticated })),
      );
    }),
  );
});

it.each([
  ['a scope that takes a part of the id', ['a', 'b:c'], ['a:b', 'c']],
  ['lone surrogates', ['a', '\ud800'], ['a', '\ud801']],
  ['NUL', ['a', 'b\0c'], ['a', 'b\0d']],
])('tells pairs apart that differ by %s', (_, [scopeA = '', a = ''], [scopeB = '', b = '']) => {
  expect(keyOf(scopeA, a)).not.toBe(keyOf(scopeB, b));
  expect(keyOf(scopeA, a)).toHaveLength(16);
});
