import { printable } from '../../core/printable.js';
import { onceEach } from '../kit/once-each.js';
import type { SinkContext } from '../sink.js';
import { nameOf, type TableName } from './tables.js';

const MOST_LOGGED = 1_000;
const LONGEST_NAME = 200;

/**
 * Counts values of events that a table has no column for and that are therefore not written. Logs each of their names
 * once, at most MOST_LOGGED of them.
 */
export function createUnplacedReport({
  log,
  metrics,
}: Pick<SinkContext, 'log' | 'metrics'>): (name: TableName, values: readonly string[]) => void {
  // Prometheus sees no increase in a counter that starts with its first event.
  metrics?.unplacedValues(0);
  const warn = onceEach(
    MOST_LOGGED,
    (column) =>
      log.warn(
        { column },
        'the table has no column for this value, so it is not written; add the column, or other_values of type jsonb, or set create: true',
      ),
    () =>
      log.warn({ columns: MOST_LOGGED }, 'further values without a column are counted, not logged'),
  );
  return (name, values) => {
    if (values.length === 0) return;
    metrics?.unplacedValues(values.length);
    for (const value of values) warn(printable(`${nameOf(name)}.${value}`, LONGEST_NAME));
  };
}
