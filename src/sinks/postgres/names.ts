import type { Vendor } from '../../event/event.js';
import { BoundedMap } from '../kit/bounded-map.js';
import { LONGEST_IDENTIFIER } from './tables.js';

/** PostgreSQL's reserved words. Both vendors prefix a table or column of such a name with `_`. */
const RESERVED_WORDS =
  'all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate column ' +
  'constraint create cross current_date current_role current_time current_timestamp current_user default deferrable desc ' +
  'distinct do else end except false for foreign freeze from full grant group having ilike in initially inner intersect ' +
  'into is isnull join leading left like limit localtime localtimestamp natural new not notnull null off offset old on ' +
  'only or order outer overlaps placing primary references right select session_user similar some symmetric table then ' +
  'to trailing true union unique user using verbose when where';

/** Every table has these already; a column with such a name is rejected. */
const SYSTEM_COLUMNS = 'tableoid xmin cmin xmax cmax ctid';

const RESERVED = new Set(`${RESERVED_WORDS} ${SYSTEM_COLUMNS}`.split(' '));

/** The layout's own tables, which no event's name may select. */
const OWN_TABLES = new Set(
  'identifies users tracks pages screens groups aliases accounts'.split(' '),
);

/**
 * Returns a vendor's column name for a property, from its path joined by `_`; empty if no valid character is left. Only
 * `a-z`, `0-9` and `_` remain.
 */
export function columnName(path: string, vendor: Vendor): string {
  return unreserved(SNAKE_CASE[vendor](path));
}

/** A cached `columnName`: events of one kind share the same paths, and each has many. */
export type ColumnNames = (path: string, vendor: Vendor) => string;

/** The most names that are cached per vendor: any sender can invent paths. */
const MOST_REMEMBERED = 10_000;

export function createColumnNames(): ColumnNames {
  const remembered = {
    segment: new BoundedMap<string, string>(MOST_REMEMBERED),
    rudderstack: new BoundedMap<string, string>(MOST_REMEMBERED),
  };
  return (path, vendor) => {
    const names = remembered[vendor];
    const known = names.get(path);
    if (known !== undefined) return known;
    const name = columnName(path, vendor);
    names.set(path, name);
    return name;
  };
}

/** Returns a vendor's table name for a track event, from its name; empty if no valid character is left. */
export function eventTableName(event: string, vendor: Vendor): string {
  const name = columnName(event, vendor);
  return OWN_TABLES.has(name) ? `_${name}` : name;
}

/**
 * Returns the value of the column `event`: the event's name as both vendors write it, without the escape of reserved
 * words.
 */
export function eventColumn(event: string, vendor: Vendor): string {
  return SNAKE_CASE[vendor](event);
}

const SNAKE_CASE: Readonly<Record<Vendor, (text: string) => string>> = {
  segment: segmentCase,
  rudderstack: rudderstackCase,
};

/**
 * Follows Segment's go-snakecase: a word is capitals and digits followed by small letters and digits, so a run of
 * capitals stays together with the word after it (`HTTPServer` is `httpserver`). A leading part in snake case is kept,
 * including a leading `_`; a digit before a capital belongs to what follows.
 */
function segmentCase(text: string): string {
  const kept = /^(?:[a-z\d]|_(?=[a-z\d]))*/.exec(text)?.[0] ?? '';
  if (kept.length === text.length) return text;
  const head = kept.replace(/\d$/, '');
  const words = text.slice(head.length).match(/[A-Z\d]*[a-z\d]+|[A-Z\d]+/g) ?? [];
  return [...(head === '' ? [] : [head]), ...words].join('_').toLowerCase();
}

/**
 * Follows RudderStack's transformer for destinations created since it stopped separating letters from digits: capitals
 * are separated from the word after them (`HTTPServer` is `http_server`), leading underscores are kept, and a leading
 * digit gets one.
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
