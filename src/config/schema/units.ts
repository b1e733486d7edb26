export type Unit = 'duration' | 'size';

const FACTORS: Readonly<Record<Unit, ReadonlyMap<string, number>>> = {
  duration: new Map([
    ['ms', 1],
    ['s', 1_000],
    ['m', 60_000],
    ['h', 3_600_000],
    ['d', 86_400_000],
  ]),
  size: new Map([
    ['b', 1],
    ['kb', 1024],
    ['mb', 1024 ** 2],
    ['gb', 1024 ** 3],
  ]),
};

/**
 * Parses a duration in milliseconds or a size in bytes: a whole number and a unit, or a bare whole number of the
 * smallest unit. Units of sizes may be in capitals (`8MB`). Units of durations may not, since `M` could mean months.
 * Fractions are rejected: write `1500ms` instead of `1.5s`. Undefined for any other text, and for a number that a
 * double cannot represent exactly.
 */
export function parseUnit(text: string, unit: Unit): number | undefined {
  const [, digits, suffix] = /^(\d{1,16})([A-Za-z]{0,2})$/.exec(text) ?? [];
  if (digits === undefined || suffix === undefined) return undefined;
  const name = unit === 'size' ? suffix.toLowerCase() : suffix;
  const factor = name === '' ? 1 : FACTORS[unit].get(name);
  if (factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Returns the shortest exact text of milliseconds or bytes, which `parseUnit` parses back. */
export function formatUnit(value: number, unit: Unit): string {
  let best = `${value}${unit === 'size' ? 'b' : 'ms'}`;
  if (value === 0) return best;
  for (const [name, factor] of FACTORS[unit]) {
    if (value % factor === 0) best = `${value / factor}${name}`;
  }
  return best;
}

/** Examples for error messages. */
export const UNIT_EXAMPLES: Readonly<Record<Unit, string>> = {
  duration: 'a duration such as 250ms, 5s, 10m, 24h or 7d',
  size: 'a size such as 512b, 64kb, 8mb or 1gb',
};
