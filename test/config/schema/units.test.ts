import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUnit, parseUnit } from '../../../src/config/schema/units.js';

describe('parseUnit', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['1500', 1_500],
  ])('reads the duration %s as %d milliseconds', (text, milliseconds) => {
    expect(parseUnit(text, 'duration')).toBe(milliseconds);
  });

  it.each([
    ['512b', 512],
    ['64kb', 65_536],
    ['8mb', 8_388_608],
    ['8MB', 8_388_608],
    ['1gb', 1_073_741_824],
    ['100', 100],
  ])('reads the size %s as %d bytes', (text, bytes) => {
    expect(parseUnit(text, 'size')).toBe(bytes);
  });

  it.each(['', 's', '-1s', '1.5s', '1 s', ' 1s', '1s\n', '5M', '1w', '1kb', '1e3', '0x10', '٣s'])(
    'takes %j for no duration',
    (text) => {
      expect(parseUnit(text, 'duration')).toBeUndefined();
    },
  );

  it('refuses what a double does not count exactly', () => {
    expect(parseUnit('9007199254740991', 'size')).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseUnit('9007199254740992', 'size')).toBeUndefined();
    expect(parseUnit('9007199254740991d', 'duration')).toBeUndefined();
  });

  it('reads back every text that formatUnit writes', () => {
    const units = fc.constantFrom('duration' as const, 'size' as const);
    fc.assert(
      fc.property(fc.maxSafeNat(), units, (value, unit) => {
        expect(parseUnit(formatUnit(value, unit), unit)).toBe(value);
      }),
    );
  });
});

describe('formatUnit', () => {
  it('takes the largest unit that leaves no fraction', () => {
    expect(formatUnit(4_500, 'duration')).toBe('4500ms');
    expect(formatUnit(5_000, 'duration')).toBe('5s');
    expect(formatUnit(604_800_000, 'duration')).toBe('7d');
    expect(formatUnit(524_288, 'size')).toBe('512kb');
    expect(formatUnit(0, 'size')).toBe('0b');
  });
});
