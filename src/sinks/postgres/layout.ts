import type { ClientBase } from 'pg';
import type { Failed, SinkEvent } from '../sink.js';

/** How events become rows. */
export interface PostgresLayout {
  /**
   * Writes the events. Resolves to the reasons of rejected events, by their position in the batch; throws for the whole
   * batch. Rows already written are recognized on a retry.
   */
  deliver(
    client: ClientBase,
    batch: readonly SinkEvent[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, Failed>>;
}
