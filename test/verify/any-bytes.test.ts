import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginsUnambiguously,
  firstElement,
  isUnambiguous,
} from '../../src/verify/first-element.js';
import { jsonStart, lastMember, skipValue } from '../../src/verify/json-scan.js';
import { mutateBytes } from '../fuzz/mutate-bytes.js';
import { Random } from '../fuzz/random.js';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  fc.tuple(fc.json(), fc.nat()).map(([text, seed]) => {
    const body = Buffer.from(`[${text}, {"json":${text}}]`);
    return mutateBytes(body, new Random(seed), body);
  }),
);

describe('the reader of JSON bytes', () => {
  it('ends within any bytes, and never beyond them', () => {
    fc.assert(
      fc.property(bytes, (body) => {
        const start = jsonStart(body);
        expect(start).toBeLessThanOrEqual(body.length);
        const end = skipValue(body, start);
        expect(end === -1 || (end > start && end <= body.length)).toBe(true);
        beginsUnambiguously(body);
        const found = firstElement(body);
        if (found !== undefined) isUnambiguous(found);
        for (const slice of [found?.element, found?.json]) {
          if (slice !== undefined) expect(body.includes(slice)).toBe(true);
        }
        const member = lastMember(body, start, 'json');
        if (member !== undefined) {
          expect(member.end).toBeLessThan(member.after);
          expect(member.after).toBeLessThanOrEqual(body.length);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds the end of every JSON text where it is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const body = Buffer.from(`${text},`);
        expect(skipValue(body, 0)).toBe(body.length - 1);
      }),
      { numRuns: 500 },
    );
  });

  it('is not led astray by depth or by quotes that are escaped', () => {
    const deep = Buffer.from('['.repeat(1_000_000) + ']'.repeat(1_000_000));
    expect(skipValue(deep, 0)).toBe(deep.length);
    expect(skipValue(deep.subarray(0, -1), 0)).toBe(-1);
    const escaped = Buffer.from(`"${'\\"'.repeat(1_000)}"`);
    expect(skipValue(escaped, 0)).toBe(escaped.length);
    expect(skipValue(escaped.subarray(0, -1), 0)).toBe(-1);
  });
});
