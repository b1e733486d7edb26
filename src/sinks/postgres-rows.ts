import { type CanonicalEvent, isObject, type JsonObject, type Vendor } from '../event/event.js';
import { type ColumnNames, columnName, eventColumn, eventTableName } from './postgres-names.js';
import { storableTime } from './postgres-text.js';
import type { Scalar } from './postgres-values.js';

/** Columns that every table of the warehouse layout has. */
const COMMON: readonly (readonly [string, string])[] = [
  ['id', 'text'],
  ['received_at', 'timestamptz'],
  // When the row was written; the vendors' queries for what is new go by it.
  ['uuid_ts', 'timestamptz'],
  // What has no column: of a name that is taken, of a type that the column does not hold, beyond the limit of columns.
  ['other_values', 'jsonb'],
];
const OF_EVENTS: typeof COMMON = [
  ['anonymous_id', 'text'],
  ['user_id', 'text'],
  ['sent_at', 'timestamptz'],
  ['timestamp', 'timestamptz'],
  ['original_timestamp', 'timestamptz'],
];
const OF_TRACKS: typeof COMMON = [
  ['event', 'text'],
  ['event_text', 'text'],
];
const OWN: Readonly<Record<string, typeof COMMON>> = {
  users: [],
  identifies: OF_EVENTS,
  pages: [...OF_EVENTS, ['name', 'text'], ['category', 'text']],
  screens: [...OF_EVENTS, ['name', 'text'], ['category', 'text']],
  groups: [...OF_EVENTS, ['group_id', 'text']],
  aliases: [...OF_EVENTS, ['previous_id', 'text']],
};

const FIXED: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.entries(OWN).map(([table, own]) => [table, new Map([...COMMON, ...own])]),
);
const FIXED_OF_TRACKS: ReadonlyMap<string, string> = new Map([
  ...COMMON,
  ...OF_EVENTS,
  ...OF_TRACKS,
]);

/** The columns that a table of the warehouse layout has from the start, with their SQL types. */
export function fixedColumns(table: string): ReadonlyMap<string, string> {
  return FIXED.get(table) ?? FIXED_OF_TRACKS;
}

/** A row as the event says it; which of its values have a column is for the table to say. */
export interface Row {
  readonly table: string;
  readonly values: ReadonlyMap<string, Scalar>;
  /** Values whose name is taken or has no letter that a column could be called by, by their path. */
  readonly other: JsonObject;
}

/** Keys of an event that have columns of their own or are about its transport. */
const KNOWN = new Set(
  'type messageId userId anonymousId channel context integrations receipt timestamp originalTimestamp sentAt receivedAt event properties traits version'.split(
    ' ',
  ),
);

/**
 * Makes the rows that the vendor an event came from would write: of a track one in `tracks` and one in its own table, of an
 * identify one in `identifies` and the user's in `users`, of others one. Types that the vendors do not write get a table
 * by their name, such as `deletes`.
 */
export function rowsOf(event: CanonicalEvent, names: ColumnNames): readonly Row[] {
  const { properties, traits, type } = event;
  switch (type) {
    case 'track':
      return tracked(event, names);
    case 'identify': {
      const row = rowOf(event, 'identifies', names, traits);
      return typeof event['userId'] === 'string' ? [row, userOf(event, names)] : [row];
    }
    case 'page':
    case 'screen':
      return [rowOf(event, `${type}s`, names, properties)];
    case 'group':
      return [rowOf(event, 'groups', names, traits)];
    case 'alias':
      return [rowOf(event, 'aliases', names, traits)];
    default: {
      const rest = Object.fromEntries(Object.entries(event).filter(([key]) => !KNOWN.has(key)));
      const named = columnName(type, event.receipt.vendor) !== '';
      const table = named ? eventTableName(`${type}s`, event.receipt.vendor) : 'others';
      return [rowOf(event, table, names, properties, traits, rest)];
    }
  }
}

function tracked(event: CanonicalEvent, names: ColumnNames): readonly Row[] {
  const { properties } = event;
  const track = rowOf(event, 'tracks', names);
  const table = eventTableName(textOf(event['event']), event.receipt.vendor);
  if (table !== '') {
    const own = track.copy(table);
    own.flatten(properties);
    return [track, own];
  }
  // The vendors write no table for a name without letters; the properties are kept beside the columns of tracks.
  if (properties !== undefined) track.other['properties'] = properties;
  return [track];
}

/** The user's latest state: by the user's id, and without anonymousId, since a user can have many. */
function userOf(event: CanonicalEvent, names: ColumnNames): Row {
  const row = new RowBuilder('users', event.receipt.vendor, names);
  row.fix('id', event['userId']);
  row.fix('received_at', storableTime(event.receivedAt));
  row.flatten(event.context, 'context_');
  row.flatten(event['traits']);
  return row;
}

function rowOf(
  event: CanonicalEvent,
  table: string,
  names: ColumnNames,
  ...flattened: readonly unknown[]
): RowBuilder {
  const { vendor } = event.receipt;
  const row = new RowBuilder(table, vendor, names);
  row.fix('id', event.messageId);
  row.fix('anonymous_id', event['anonymousId']);
  row.fix('user_id', event['userId']);
  row.fix('received_at', storableTime(event.receivedAt));
  row.fix('sent_at', storableTime(event['sentAt']));
  row.fix('timestamp', storableTime(event.timestamp));
  row.fix('original_timestamp', storableTime(event['originalTimestamp']));
  if (typeof event['event'] === 'string') {
    row.fix('event', eventColumn(event['event'], vendor));
    row.fix('event_text', event['event']);
  }
  if (table === 'groups') row.fix('group_id', event['groupId']);
  if (table === 'aliases') row.fix('previous_id', event['previousId']);
  if (table === 'pages' || table === 'screens') {
    for (const name of ['name', 'category']) {
      row.fix(name, event[name] ?? Object(event['properties'])[name]);
    }
  }
  row.fix('channel', event['channel']);
  row.flatten(event.context, 'context_');
  for (const object of flattened) row.flatten(object);
  return row;
}

class RowBuilder implements Row {
  readonly table: string;
  readonly values: Map<string, Scalar>;
  readonly other: JsonObject;
  readonly #vendor: Vendor;
  readonly #names: ColumnNames;
  readonly #fixed: ReadonlyMap<string, string>;

  constructor(table: string, vendor: Vendor, names: ColumnNames, from?: Row) {
    this.table = table;
    this.values = new Map(from?.values);
    this.other = { ...from?.other };
    this.#vendor = vendor;
    this.#names = names;
    this.#fixed = fixedColumns(table);
  }

  /** The same row for another table, to add to. */
  copy(table: string): RowBuilder {
    return new RowBuilder(table, this.#vendor, this.#names, this);
  }

  fix(column: string, value: unknown): void {
    if (typeof value === 'string') this.values.set(column, value);
  }

  /** Every leaf gets a column, called by its path; arrays are kept whole. */
  flatten(object: unknown, prefix = ''): void {
    if (!isObject(object)) return;
    for (const [key, value] of Object.entries(object)) {
      const path = prefix + key;
      if (isObject(value)) this.flatten(value, `${path}_`);
      // RudderStack writes nothing for what is empty, Segment only for null.
      else if (this.#vendor === 'rudderstack' && (value === '' || isEmpty(value))) continue;
      else if (value !== null)
        this.#set(path, Array.isArray(value) ? JSON.stringify(value) : value);
    }
  }

  #set(path: string, value: Scalar): void {
    const column = this.#names(path, this.#vendor);
    const taken = this.#fixed.has(column) || this.values.has(column);
    if (column !== '' && !taken) this.values.set(column, value);
    // SDKs say some values twice, such as a page's name.
    else if (this.values.get(column) !== value) this.other[path] = value;
  }
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
