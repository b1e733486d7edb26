import { turn } from '../../core/clock.js';

// A few milliseconds of parsing and writing. Ten thousand events at once would delay every answer by 50.
const SLICE = 128;

/** Processes a list slice by slice, in order, and yields the event loop in between. */
export async function inSlices<T>(
  list: readonly T[],
  work: (slice: readonly T[], from: number) => void,
): Promise<void> {
  for (let from = 0; from < list.length; from += SLICE) {
    if (from > 0) await turn();
    work(list.slice(from, from + SLICE), from);
  }
}
