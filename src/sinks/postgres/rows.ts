import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import { type EventKeys, keysOf } from '../../event/dedupe-key.js';
import type { CanonicalEvent, Vendor } from '../../event/event.js';
import { type ColumnNames, columnName, eventColumn, eventTableName } from './names.js';
import { storableText, storableTime } from './text.js';
import type { Scalar } from './values.js';

/** Columns that every table of the warehouse layout has. */
const COMMON: readonly (readonly [string, string])[] = [
  ['id', 'text'],
  // Distinguishes events with the same messageId, which the vendors' tables cannot: see insert.ts.
  ['dedupe_key', 'text'],
  ['received_at', 'timestamptz'],
  // When the row was written. The vendors' queries for new rows use it.
  ['uuid_ts', 'timestamptz'],
  // Values without a column: their name is in use, the column has another type, or the limit of columns is reached.
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

/** The vendors' tables for types of events. All others are named after what an event contains. */
export const FIXED_TABLES: readonly string[] = ['tracks', ...Object.keys(OWN)];

/** Returns the columns that a table of the warehouse layout has from the start, with their SQL types. */
export function fixedColumns(table: string): ReadonlyMap<string, string> {
  return FIXED.get(table) ?? FIXED_OF_TRACKS;
}

/** A row as the event defines it. The table decides which of its values have a column. */
export interface Row {
  readonly table: string;
  /** The keys of the event with and without authentication. */
  readonly keys: EventKeys;
  readonly authenticated: boolean;
  readonly values: ReadonlyMap<string, Scalar>;
  /** Values whose name is in use or has no valid character, by path. */
  readonly other: JsonObject;
  /** Values that their own column cannot hold, such as an unreadable time, by column. */
  readonly unfit: JsonObject;
}

/**
 * Whether a column describes how an event was sent, not what happened. Such values change with every release of an SDK,
 * so a table without a column for one must not cost the event.
 */
export function isAside(table: string, column: string): boolean {
  return fixedColumns(table).has(column) || column.startsWith(CONTEXT);
}

const CONTEXT = 'context_';

/** Keys of an event that have columns of their own or concern its transport. */
const KNOWN = new Set(
  'type messageId userId anonymousId channel context integrations receipt timestamp originalTimestamp sentAt receivedAt event properties traits version'.split(
    ' ',
  ),
);

/**
 * Returns the rows that the event's vendor would write: for a track one in `tracks` and one in its own table; for an
 * identify one in `identifies` and the user's in `users`; for others one. Types that the vendors do not write get a
 * table of their name, such as `deletes`.
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
  // The vendors write no table for a name without letters. The properties are kept next to the columns of tracks.
  if (properties !== undefined) track.other['properties'] = properties;
  return [track];
}

/** The user's latest state: keyed by the user's id, and without anonymousId, since a user can have many. */
function userOf(event: CanonicalEvent, names: ColumnNames): Row {
  const row = new RowBuilder('users', event, names);
  row.fix('id', storableText(String(event['userId'])));
  row.fix('dedupe_key', row.key);
  row.time('received_at', event.receivedAt);
  row.flatten(event.context, CONTEXT);
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
  const row = new RowBuilder(table, event, names);
  row.fix('id', storableText(event.messageId));
  row.fix('dedupe_key', row.key);
  row.fix('anonymous_id', event['anonymousId']);
  row.fix('user_id', event['userId']);
  row.time('received_at', event.receivedAt);
  row.time('sent_at', event['sentAt']);
  row.time('timestamp', event.timestamp);
  row.time('original_timestamp', event['originalTimestamp']);
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
  row.flatten(event.context, CONTEXT);
  for (const object of flattened) row.flatten(object);
  return row;
}

class RowBuilder implements Row {
  readonly table: string;
  readonly keys: EventKeys;
  readonly authenticated: boolean;
  readonly values: Map<string, Scalar>;
  readonly other: JsonObject;
  readonly unfit: JsonObject;
  readonly #event: CanonicalEvent;
  readonly #vendor: Vendor;
  readonly #names: ColumnNames;
  readonly #fixed: ReadonlyMap<string, string>;

  constructor(table: string, event: CanonicalEvent, names: ColumnNames, from?: Row) {
    this.table = table;
    this.keys = from?.keys ?? storableKeys(keysOf(event));
    this.authenticated = event.receipt.authenticated;
    this.values = new Map(from?.values);
    this.other = { ...from?.other };
    this.unfit = { ...from?.unfit };
    this.#event = event;
    this.#vendor = event.receipt.vendor;
    this.#names = names;
    this.#fixed = fixedColumns(table);
  }

  /** The deduplication key of the event. */
  get key(): string {
    return this.authenticated ? this.keys.authenticated : this.keys.unauthenticated;
  }

  /** Copies the row for another table, to be extended. */
  copy(table: string): RowBuilder {
    return new RowBuilder(table, this.#event, this.#names, this);
  }

  /** A value that is not text does not fit the column and is kept next to it. */
  fix(column: string, value: unknown): void {
    if (typeof value === 'string') this.values.set(column, value);
    else if (isPresent(value)) this.unfit[column] = value;
  }

  /** A time that PostgreSQL cannot hold is kept next to the column. */
  time(column: string, value: unknown): void {
    const time = storableTime(value);
    if (time !== null) this.values.set(column, time);
    else if (isPresent(value)) this.unfit[column] = value;
  }

  /** Every leaf gets a column named after its path; arrays are kept whole. */
  flatten(object: unknown, prefix = ''): void {
    if (!isObject(object)) return;
    for (const [key, value] of Object.entries(object)) {
      const path = prefix + key;
      if (isObject(value)) this.flatten(value, `${path}_`);
      // RudderStack writes nothing for empty values, Segment only for null.
      else if (this.#vendor === 'rudderstack' && (value === '' || isEmpty(value))) continue;
      else if (value !== null)
        this.#set(path, Array.isArray(value) ? JSON.stringify(value) : value);
    }
  }

  #set(path: string, value: Scalar): void {
    const column = this.#names(path, this.#vendor);
    const taken = this.#fixed.has(column) || this.values.has(column);
    if (column !== '' && !taken) this.values.set(column, value);
    // SDKs send some values twice, such as a page's name.
    else if (this.values.get(column) !== value) this.other[path] = value;
  }
}

function storableKeys({ authenticated, unauthenticated }: EventKeys): EventKeys {
  return {
    authenticated: storableText(authenticated),
    unauthenticated: storableText(unauthenticated),
  };
}

function isPresent(value: unknown): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
