/** A figure over several rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The median of numbers; of an even count, the mean of the two in the middle. NaN without numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** The median with the smallest and the largest round. */
export function spreadOf(numbers: readonly number[]): Spread {
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** The ratio of two medians. Its range is that of the single rounds, each with its own counterpart. */
export function ratioOf(numbers: readonly number[], references: readonly number[]): Spread {
  const rounds = numbers.map((number, round) => number / (references[round] ?? Number.NaN));
  return { ...spreadOf(rounds), median: median(numbers) / median(references) };
}

/** The value that a share of the sorted numbers does not exceed (nearest rank). NaN without numbers. */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.ceil(sorted.length * share);
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}
