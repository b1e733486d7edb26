import type { SinkEvent } from '../../src/sinks/sink.js';

/** One sink beside the plainest possible use of the same driver. */
export interface SinkBench {
  readonly name: string;
  setup(): Promise<Sides>;
}

/** Each resolves when the far side has the batch. Several are under way at the same time, one a lane. */
export interface Sides {
  ours(batch: readonly SinkEvent[]): Promise<unknown>;
  bare(batch: readonly SinkEvent[]): Promise<unknown>;
  teardown(): Promise<void>;
}
