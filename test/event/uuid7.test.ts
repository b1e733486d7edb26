import { describe, expect, it } from 'vitest';
import { createUuid7 } from '../../src/event/uuid7.js';

describe('createUuid7', () => {
  it('writes the moment, the version and the variant where RFC 9562 puts them', () => {
    const zeros = createUuid7((bytes) => bytes.fill(0));
    // The example of RFC 9562, appendix A.6, has this moment.
    expect(zeros(0x017f22e279b0)).toBe('017f22e2-79b0-7000-8000-000000000000');
    const ones = createUuid7((bytes) => bytes.fill(0xff));
    expect(ones(0x017f22e279b0)).toBe('017f22e2-79b0-7fff-bfff-ffffffffffff');
  });

  it('sorts by time as text', () => {
    const uuid = createUuid7();
    const ids = [0, 1, 255, 2 ** 32, 1_795_210_850_415].map((now) => uuid(now));
    expect([...ids].sort()).toEqual(ids);
  });

  it('never gives an id twice, over several draws of random bytes', () => {
    const uuid = createUuid7();
    const ids = Array.from({ length: 2_000 }, () => uuid(1_795_210_850_415));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('makes a valid id also of a clock before 1970 or with fractions', () => {
    const uuid = createUuid7((bytes) => bytes.fill(0));
    expect(uuid(-5)).toBe('00000000-0000-7000-8000-000000000000');
    expect(uuid(1.9)).toBe('00000000-0001-7000-8000-000000000000');
  });
});
