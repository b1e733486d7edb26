import { setImmediate } from 'node:timers/promises';

// A few milliseconds of parsing and writing: ten thousand events at once would make every answer wait for 50.
const SLICE = 128;

/** Works through a list slice by slice, in order, and lets others have the event loop in between. */
export async function inSlices<T>(
  list: readonly T[],
  work: (slice: readonly T[], from: number) => void,
): Promise<void> {
  for (let from = 0; from < list.length; from += SLICE) {
    if (from > 0) await setImmediate();
    work(list.slice(from, from + SLICE), from);
  }
}
