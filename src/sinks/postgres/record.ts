import { isAside, type Row } from './rows.js';
import type { Columns } from './tables.js';
import { fitted } from './values.js';

/** The values of a row by column. */
export type TableRecord = { readonly [column: string]: unknown };

/** The column for values that have no column of their own or do not fit into it. */
export const OTHER = 'other_values';
/** The column for `receipt.dedupeKey`; the vendors' own tables have none. */
export const DEDUPE_KEY = 'dedupe_key';

export interface Placed {
  readonly record: TableRecord;
  /** Values that the table has no column for and can do without, by column. */
  readonly asides: readonly string[];
  /** Values that the table has no column for although they are what the event is about, by column or path. */
  readonly lost: readonly string[];
}

const NOTHING: readonly string[] = [];

/**
 * Assigns a row's values to the columns of a table. Values that fit none go into `other_values`, if the table has it.
 */
export function placed(row: Row, columns: Columns): Placed {
  const record: { [column: string]: unknown } = {};
  const unplaced: { [column: string]: unknown } = { ...row.unfit };
  for (const [column, value] of row.values) {
    const type = columns.get(column);
    const fits = type === undefined ? undefined : fitted(value, type);
    if (fits !== undefined) record[column] = fits;
    else if (column !== DEDUPE_KEY) unplaced[column] = value;
  }
  const [names, others] = [Object.keys(unplaced), Object.keys(row.other)];
  if (names.length === 0 && others.length === 0) return { record, asides: NOTHING, lost: NOTHING };
  if (columns.has(OTHER)) {
    record[OTHER] = { ...row.other, ...unplaced };
    return { record, asides: NOTHING, lost: NOTHING };
  }
  const asides = names.filter((column) => isAside(row.table, column));
  const lost = names.filter((column) => !isAside(row.table, column));
  return { record, asides, lost: [...lost, ...others] };
}
