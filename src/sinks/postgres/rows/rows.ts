import { isObject } from '../../../core/json.js';
import type { CanonicalEvent } from '../../../event/event.js';
import { createNames, type NamingOptions } from '../naming/naming.js';
import { storableText } from '../text.js';
import { type Row, RowBuilder, type RowContext } from './builder.js';
import { CONTEXT } from './columns.js';
import { jsonPathsOf } from './json-paths.js';
import { wishesOf } from './wishes.js';

/** What RudderStack's warehouse destinations let their users choose. */
export interface RowOptions extends NamingOptions {
  /** Whether `context.traits` of an identify also become columns of their own, as in destinations of before 2025. */
  readonly allowUsersContextTraits: boolean;
  readonly skipUsersTable: boolean;
  readonly skipTracksTable: boolean;
  readonly jsonPaths: readonly string[];
  /** What RudderStack writes about the source and the destination into `context_source_id` and so on. */
  readonly sourceInfo?: {
    readonly sourceId?: string;
    readonly sourceType?: string;
    readonly destinationId?: string;
    readonly destinationType?: string;
  };
}

/** Keys of an event that have columns of their own or concern its transport. */
const KNOWN = new Set(
  'type messageId userId anonymousId channel context integrations receipt timestamp originalTimestamp sentAt receivedAt event properties traits version'.split(
    ' ',
  ),
);

/**
 * Returns a function that makes the rows that the event's vendor would write: for a track one in `tracks` and one in its
 * own table; for an identify one in `identifies` and the user's in `users`; for others one. Types that the vendors do
 * not write get a table of their name, such as `deletes`.
 */
export function createRows(options: RowOptions): (event: CanonicalEvent) => readonly Row[] {
  const namesOf = createNames(options);
  const jsonPaths = jsonPathsOf(options.jsonPaths);
  return (event) => {
    const wishes = wishesOf(event);
    const context: RowContext = {
      event,
      names: namesOf(event.receipt.vendor, wishes),
      jsonPaths:
        wishes.jsonPaths.length === 0
          ? jsonPaths
          : jsonPathsOf([...wishes.jsonPaths, ...options.jsonPaths]),
    };
    return rowsOf(context, {
      ...options,
      skipUsersTable: options.skipUsersTable || wishes.skipUsersTable,
      skipTracksTable: options.skipTracksTable || wishes.skipTracksTable,
    });
  };
}

function rowsOf(context: RowContext, options: RowOptions): readonly Row[] {
  const { event, names } = context;
  const { properties, traits, type } = event;
  switch (type) {
    case 'track':
      return tracked(context, options);
    case 'identify':
      return identified(context, options);
    case 'page':
    case 'screen': {
      const row = rowOf(context, `${type}s`, options);
      row.flatten('properties', properties);
      return [row];
    }
    case 'group':
    case 'alias': {
      const row = rowOf(context, type === 'group' ? 'groups' : 'aliases', options);
      row.flatten('traits', traits);
      return [row];
    }
    default: {
      const rest = Object.fromEntries(Object.entries(event).filter(([key]) => !KNOWN.has(key)));
      const table = names.column(type) === '' ? 'others' : names.table(`${type}s`);
      const row = rowOf(context, table, options);
      row.flatten('properties', properties);
      row.flatten('traits', traits);
      row.flatten('properties', rest);
      return [row];
    }
  }
}

function tracked(context: RowContext, options: RowOptions): readonly Row[] {
  const { event, names } = context;
  const { properties } = event;
  const track = rowOf(context, 'tracks', options);
  const name = event['event'];
  const table = typeof name === 'string' ? names.table(name) : '';
  if (table !== '') {
    const own = track.copy(table);
    own.flatten('properties', properties);
    own.flatten('userProperties', event['userProperties']);
    return options.skipTracksTable ? [own] : [track, own];
  }
  // The vendors write no table for a name without letters. The properties are kept next to the columns of tracks.
  if (properties !== undefined) track.other['properties'] = properties;
  return [track];
}

function identified(context: RowContext, options: RowOptions): readonly Row[] {
  const row = rowOf(context, 'identifies', options);
  addTraits(row, context, options);
  const hasUser = typeof context.event['userId'] === 'string' && !options.skipUsersTable;
  return hasUser ? [row, userOf(context, options)] : [row];
}

/** The user's latest state: keyed by the user's id, and without anonymousId, since a user can have many. */
function userOf(context: RowContext, options: RowOptions): Row {
  const { event } = context;
  const row = new RowBuilder('users', context);
  row.fix('id', storableText(String(event['userId'])));
  row.fix('dedupe_key', row.key);
  row.time('received_at', event.receivedAt);
  if (event.receipt.vendor === 'rudderstack') addTimes(row, event);
  addContext(row, event, options);
  addTraits(row, context, options);
  return row;
}

function addTraits(
  row: RowBuilder,
  { event }: RowContext,
  { allowUsersContextTraits }: RowOptions,
): void {
  row.flatten('userProperties', event['userProperties']);
  if (allowUsersContextTraits && isObject(event.context)) {
    row.flatten('context.traits', event.context['traits']);
  }
  row.flatten('traits', event['traits']);
}

function rowOf(context: RowContext, table: string, options: RowOptions): RowBuilder {
  const { event, names } = context;
  const row = new RowBuilder(table, context);
  row.fix('id', storableText(event.messageId));
  row.fix('dedupe_key', row.key);
  row.fix('anonymous_id', event['anonymousId']);
  row.fix('user_id', event['userId']);
  row.time('received_at', event.receivedAt);
  addTimes(row, event);
  if (typeof event['event'] === 'string') {
    row.fix('event', names.event(event['event']));
    row.fix('event_text', event['event']);
  }
  if (table === 'groups') row.fix('group_id', event['groupId']);
  if (table === 'aliases') row.fix('previous_id', event['previousId']);
  if (table === 'pages' || table === 'screens') {
    for (const name of ['name', 'category']) {
      const value = event[name] ?? Object(event['properties'])[name];
      // The column is text in both vendors' tables, also for a number.
      row.fix(name, typeof value === 'number' || typeof value === 'boolean' ? `${value}` : value);
    }
  }
  row.fix('channel', event['channel']);
  addContext(row, event, options);
  return row;
}

function addTimes(row: RowBuilder, event: CanonicalEvent): void {
  row.time('sent_at', event['sentAt']);
  row.time('timestamp', event.timestamp);
  row.time('original_timestamp', event['originalTimestamp']);
}

/**
 * Adds the columns that begin with `context_`. RudderStack tells the address that the sender gave (`context_passed_ip`)
 * from that of the connection (`context_request_ip`). The canonical event has the latter in `context.ip` if the sender
 * gave none, so an address equal to that of the connection counts as not given.
 */
function addContext(row: RowBuilder, event: CanonicalEvent, { sourceInfo }: RowOptions): void {
  if (event.receipt.vendor === 'rudderstack') {
    const ip = Object(event.context)['ip'];
    const requestIp = event['request_ip'];
    row.fix('context_ip', ip);
    row.fix('context_request_ip', requestIp);
    const isGiven = typeof requestIp !== 'string' || !requestIp.includes(String(ip));
    if (isGiven) row.fix('context_passed_ip', ip);
    row.fix('context_source_id', sourceInfo?.sourceId);
    row.fix('context_source_type', sourceInfo?.sourceType);
    row.fix('context_destination_id', sourceInfo?.destinationId);
    row.fix('context_destination_type', sourceInfo?.destinationType);
  }
  row.flatten('context', event.context, CONTEXT);
  row.seal();
}
