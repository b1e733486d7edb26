import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between two samples of Node's monitor. */
const RESOLUTION = 20;

export interface LoopDelay {
  /**
   * The average delay of the event loop since the last call, in milliseconds. One long pause among many short ones
   * averages out.
   */
  read(): number;
  start(): void;
  stop(): void;
}

/** Monitors the event loop of this thread with `perf_hooks.monitorEventLoopDelay`. */
export function watchLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  return {
    read() {
      // The histogram counts nanoseconds between samples; its mean is NaN without samples.
      const mean = histogram.mean / 1e6;
      histogram.reset();
      return Number.isNaN(mean) ? 0 : Math.max(0, mean - RESOLUTION);
    },
    start: () => void histogram.enable(),
    stop: () => void histogram.disable(),
  };
}
