import { median } from '../statistics.js';

/** By how much the ratio of CPU may exceed the committed value: a loss of a third fails. */
const ALLOWED = 4 / 3;

export interface Verdict {
  readonly ratio: number;
  readonly limit: number;
  readonly passes: boolean;
}

/** Judges CPU per request against the bare server's: the median of the rounds' ratios against the committed ratio. */
export function judge(
  rounds: readonly { readonly ours: number; readonly bare: number }[],
  committed: number,
): Verdict {
  const ratio = median(rounds.map(({ ours, bare }) => ours / bare));
  const limit = committed * ALLOWED;
  return { ratio, limit, passes: ratio <= limit };
}
