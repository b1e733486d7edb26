import type { ClientBase } from 'pg';
import type { TableShape } from './postgres-tables.js';
import type { SinkEvent } from './sink.js';

/** How events become rows. */
export interface PostgresLayout {
  /** The table to look for in a check; the one that the options name where left out. */
  readonly table?: string;
  /** What that table has to have. */
  readonly shape: TableShape;
  /** Writes all events, or throws; what was written already is recognised when it comes again. */
  deliver(client: ClientBase, batch: readonly SinkEvent[]): Promise<void>;
}
