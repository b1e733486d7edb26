import type { ClientBase } from 'pg';
import type { Failed, SinkEvent } from '../sink.js';
import type { TableShape } from './tables.js';

/** How events become rows. */
export interface PostgresLayout {
  /** The table to check; by default the one that the options name. */
  readonly table?: string;
  /** What that table must have. */
  readonly shape: TableShape;
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
