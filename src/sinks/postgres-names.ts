import type { Vendor } from '../event/event.js';
import { LONGEST_IDENTIFIER } from './postgres-tables.js';

/** PostgreSQL's reserved words: both vendors put `_` before one that a table or column would be called by. */
const RESERVED_WORDS =
  'all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate column ' +
  'constraint create cross current_date current_role current_time current_timestamp current_user default deferrable desc ' +
  'distinct do else end except false for foreign freeze from full grant group having ilike in initially inner intersect ' +
  'into is isnull join leading left like limit localtime localtimestamp natural new not notnull null off offset old on ' +
  'only or order outer overlaps placing primary references right select session_user similar some symmetric table then ' +
  'to trailing true union unique user using verbose when where';

/** Every table has these already; a column of the name is refused. */
const SYSTEM_COLUMNS = 'tableoid xmin cmin xmax cmax ctid';

const RESERVED = new Set(`${RESERVED_WORDS} ${SYSTEM_COLUMNS}`.split(' '));

/** The tables that the layout itself has, which no event's name may get into. */
const OWN_TABLES = new Set(
  'identifies users tracks pages screens groups aliases accounts'.split(' '),
);

/**
 * What a vendor's warehouse calls a column, from the property's path joined by `_`; empty where nothing of the name is
 * left. Only `a-z`, `0-9` and `_` remain.
 */
export function columnName(path: string, vendor: Vendor): string {
  return unreserved(SNAKE_CASE[vendor](path));
}

/** `columnName`, remembered: events of one kind have the same paths, and there are many in each. */
export type ColumnNames = (path: string, vendor: Vendor) => string;

/** Names that are remembered for a vendor, at most: anybody who can send events can make up paths. */
const MOST_REMEMBERED = 10_000;

export function createColumnNames(): ColumnNames {
  const remembered = { segment: new Map<string, string>(), rudderstack: new Map<string, string>() };
  return (path, vendor) => {
    const names = remembered[vendor];
    const known = names.get(path);
    if (known !== undefined) return known;
    if (names.size >= MOST_REMEMBERED) names.clear();
    const name = columnName(path, vendor);
    names.set(path, name);
    return name;
  };
}

/** What a vendor's warehouse calls the table of a track event, from its name; empty where nothing of the name is left. */
export function eventTableName(event: string, vendor: Vendor): string {
  const name = columnName(event, vendor);
  return OWN_TABLES.has(name) ? `_${name}` : name;
}

/** The value of the column `event`: the event's name as both vendors write it, without the escape of reserved words. */
export function eventColumn(event: string, vendor: Vendor): string {
  return SNAKE_CASE[vendor](event);
}

const SNAKE_CASE: Readonly<Record<Vendor, (text: string) => string>> = {
  segment: segmentCase,
  rudderstack: rudderstackCase,
};

/**
 * As Segment's go-snakecase does: a word is capitals and digits followed by small letters and digits, so a run of capitals
 * stays together with the word behind it (`HTTPServer` is `httpserver`). What is snake case up to a point is kept up to
 * there, a leading `_` too; a digit before a capital belongs to what follows.
 */
function segmentCase(text: string): string {
  const kept = /^(?:[a-z\d]|_(?=[a-z\d]))*/.exec(text)?.[0] ?? '';
  if (kept.length === text.length) return text;
  const head = kept.replace(/\d$/, '');
  const words = text.slice(head.length).match(/[A-Z\d]*[a-z\d]+|[A-Z\d]+/g) ?? [];
  return [...(head === '' ? [] : [head]), ...words].join('_').toLowerCase();
}

/**
 * As RudderStack's transformer does for destinations made since it stopped dividing letters from digits: capitals are
 * divided from the word behind them (`HTTPServer` is `http_server`), leading underscores are kept, and a digit in front
 * gets one.
 */
function rudderstackCase(text: string): string {
  const leading = /^_*/.exec(text)?.[0] ?? '';
  const words =
    text.match(
      /[A-Z]?[a-z]+\d+|[A-Z]+\d+|\d+[A-Z]?[a-z]+|\d+[A-Z]+|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|\d+/g,
    ) ?? [];
  if (words.length === 0) return '';
  const name = leading + words.join('_').toLowerCase();
  return /^\d/.test(name) ? `_${name}` : name;
}

function unreserved(name: string): string {
  const cut = name.slice(0, LONGEST_IDENTIFIER);
  return RESERVED.has(cut) ? `_${cut}` : cut;
}
