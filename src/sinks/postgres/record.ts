import type { TableState } from './inspect.js';
import type { Row } from './rows/builder.js';
import { isAside } from './rows/columns.js';
import { fitted } from './values.js';

/** The values of a row by column. */
export type TableRecord = { readonly [column: string]: unknown };

/** The column for values that have no column of their own or do not fit into it. */
export const OTHER = 'other_values';
/** The column for `receipt.dedupeKey`; the vendors' own tables have none. */
export const DEDUPE_KEY = 'dedupe_key';

/** A value that the table has no column for. */
export interface Unplaced {
  /** Its column, or its path if its name is in use or has no valid character. */
  readonly column: string;
  readonly value: unknown;
  readonly reason: 'no column' | 'another type' | 'too long' | 'name in use' | 'no valid value';
  /** Whether the event can do without it. */
  readonly isAside: boolean;
}

export interface Placed {
  readonly record: TableRecord;
  readonly unplaced: readonly Unplaced[];
}

const NOTHING: readonly Unplaced[] = [];
const JSON_TYPES = new Set(['json', 'jsonb']);

/**
 * Assigns a row's values to the columns of a table. Values that fit none go into `other_values` if the table has it and
 * `keepsOthers` is set; else they are returned.
 */
export function placed(
  row: Row,
  { columns, lengths }: Pick<TableState, 'columns' | 'lengths'>,
  keepsOthers: boolean,
): Placed {
  const record: { [column: string]: unknown } = {};
  const unplaced: Unplaced[] = [];
  const leave = (column: string, value: unknown, reason: Unplaced['reason']): void => {
    unplaced.push({ column, value, reason, isAside: isAside(row.table, column) });
  };
  for (const [column, value] of row.values) {
    const type = columns.get(column);
    const fits = type === undefined ? undefined : fitted(value, type);
    if (fits === undefined) {
      if (column !== DEDUPE_KEY)
        leave(column, value, type === undefined ? 'no column' : 'another type');
    } else if (isLonger(fits, lengths.get(column))) leave(column, value, 'too long');
    else record[column] = fits;
  }
  for (const [column, value] of row.json) {
    const type = columns.get(column) ?? '';
    const text = JSON_TYPES.has(type) ? undefined : fitted(JSON.stringify(value), type || 'none');
    if (JSON_TYPES.has(type)) record[column] = value;
    else if (type === '' || text === undefined)
      leave(column, value, type === '' ? 'no column' : 'another type');
    else if (isLonger(text, lengths.get(column))) leave(column, value, 'too long');
    else record[column] = text;
  }
  for (const [column, value] of Object.entries(row.unfit)) leave(column, value, 'no valid value');
  for (const [path, value] of Object.entries(row.other)) {
    unplaced.push({ column: path, value, reason: 'name in use', isAside: false });
  }
  if (unplaced.length === 0) return { record, unplaced: NOTHING };
  if (!keepsOthers || !columns.has(OTHER)) return { record, unplaced };
  record[OTHER] = Object.fromEntries(unplaced.map(({ column, value }) => [column, value]));
  return { record, unplaced: NOTHING };
}

/** `varchar(n)` counts code points. */
function isLonger(value: unknown, length: number | undefined): boolean {
  if (length === undefined || String(value).length <= length) return false;
  return [...String(value)].length > length;
}
