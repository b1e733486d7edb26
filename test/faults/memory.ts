import { readdir, readFile } from 'node:fs/promises';

/** What a process held at one moment. */
export interface Footprint {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  /** Resident memory in megabytes, as the system counts it. */
  readonly megabytes: number;
  readonly handles: number;
}

export interface FootprintWatch {
  readonly samples: readonly Footprint[];
  /** Ends it; the samples stay. */
  stop(): void;
}

/** Looks every `everyMs` at how much a process holds. Linux only; it ends by itself when the process does. */
export function watchFootprint(
  pid: number,
  everyMs: number,
  onSample: (sample: Footprint) => void = () => undefined,
): FootprintWatch {
  const samples: Footprint[] = [];
  const look = async (): Promise<void> => {
    try {
      const sample = await footprintOf(pid);
      samples.push(sample);
      onSample(sample);
    } catch {
      clearInterval(timer);
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  return { samples, stop: () => clearInterval(timer) };
}

/** What a process holds now. Rejects where there is no such process, or no /proc. */
async function footprintOf(pid: number): Promise<Footprint> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  if (Number.isNaN(kilobytes)) throw new Error(`process ${pid} has no resident memory`);
  const handles = await readdir(`/proc/${pid}/fd`);
  return { at: performance.now(), megabytes: kilobytes / 1024, handles: handles.length };
}

/**
 * Medians of the second and the last quarter of these numbers. The first quarter is warm-up; medians, because a garbage
 * collector makes saws of memory, whose teeth say nothing.
 */
export function quarters(numbers: readonly number[]): { second: number; last: number } {
  const from = (quarter: number): number => Math.floor((numbers.length * quarter) / 4);
  return {
    second: median(numbers.slice(from(1), from(2))),
    last: median(numbers.slice(from(3))),
  };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
