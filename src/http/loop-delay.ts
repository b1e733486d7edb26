import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between two looks of Node's own monitor, which a loop in time takes without delay. */
const RESOLUTION = 20;

export interface LoopDelay {
  /** How late the event loop was since the last call on average, milliseconds; one long pause among many short ones is short. */
  read(): number;
  start(): void;
  stop(): void;
}

/** Watches the event loop of this thread by `perf_hooks.monitorEventLoopDelay`. */
export function watchLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  return {
    read() {
      // Nanoseconds between two looks; NaN where there was none.
      const mean = histogram.mean / 1e6;
      histogram.reset();
      return Number.isNaN(mean) ? 0 : Math.max(0, mean - RESOLUTION);
    },
    start: () => void histogram.enable(),
    stop: () => void histogram.disable(),
  };
}
