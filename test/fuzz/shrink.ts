import type { Input } from './inputs.js';

const MOST_TRIES = 300;

/**
 * The smallest input found for which `fails` still holds, by leaving out ever smaller pieces. Takes at most 300 tries, so
 * that a slow failure does not take all day.
 */
export async function shrink(
  input: Input,
  fails: (smaller: Input) => Promise<boolean>,
): Promise<Input> {
  let smallest = input;
  let tries = 0;
  for (let size = Math.ceil(input.bytes.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.bytes.length && tries < MOST_TRIES; ) {
      const { bytes } = smallest;
      const smaller = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
      tries++;
      if (smaller.length > 0 && (await fails({ ...smallest, bytes: smaller }))) {
        smallest = { ...smallest, bytes: smaller };
      } else {
        at += size;
      }
    }
  }
  return smallest;
}
