import type { Vendor } from '../../../event/event.js';
import { BoundedMap } from '../../kit/bounded-map.js';
import { LONGEST_IDENTIFIER } from '../tables.js';
import { type RudderstackNaming, rudderstackName, withoutLeadingDigit } from './rudderstack.js';
import { segmentName } from './segment.js';

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

const SYSTEM = new Set(SYSTEM_COLUMNS.split(' '));
const RESERVED = new Set([...RESERVED_WORDS.split(' '), ...SYSTEM]);

/** The layout's own tables, which no event's name may select. */
const OWN_TABLES = new Set(
  'identifies users tracks pages screens groups aliases accounts'.split(' '),
);

/** How names are made, by the operator's options. */
export interface NamingOptions extends Pick<RudderstackNaming, 'underscoreDivideNumbers'> {
  /** Whether Segment's names that start with a digit get `_`, as Segment's documentation of Redshift says. */
  readonly underscoreLeadingDigit: boolean;
}

/** What one event of RudderStack asks for in `integrations.POSTGRES.options`. */
export interface EventNaming {
  readonly useBlendoCasing: boolean;
  readonly skipReservedKeywordsEscaping: boolean;
}

/** The names of one event's tables and columns. A name is empty if no valid character is left. */
export interface Names {
  /** The column of a property, from its path joined by `_`. */
  column(path: string): string;
  /** The table of a track event, from its name. */
  table(event: string): string;
  /** The value of the column `event`: the name as the vendor writes it, without the escape of reserved words. */
  event(name: string): string;
}

/** The most names that are cached per way of naming: any sender can invent paths. */
const MOST_REMEMBERED = 10_000;

/** Returns the names of a vendor's events. Names are cached: events of one kind share the same paths, and have many. */
export function createNames(
  options: NamingOptions,
): (vendor: Vendor, event?: EventNaming) => Names {
  const known = new Map<string, Names>();
  return (vendor, event = PLAIN) => {
    const key = `${vendor} ${event.useBlendoCasing} ${event.skipReservedKeywordsEscaping}`;
    const names = known.get(key) ?? namesOf(snakeCaseOf(vendor, event, options), event);
    known.set(key, names);
    return names;
  };
}

const PLAIN: EventNaming = { useBlendoCasing: false, skipReservedKeywordsEscaping: false };

function snakeCaseOf(
  vendor: Vendor,
  { useBlendoCasing: blendo }: EventNaming,
  { underscoreDivideNumbers, underscoreLeadingDigit }: NamingOptions,
): (text: string) => string {
  if (vendor === 'rudderstack') {
    return (text) => rudderstackName(text, { underscoreDivideNumbers, blendo });
  }
  return underscoreLeadingDigit ? (text) => withoutLeadingDigit(segmentName(text)) : segmentName;
}

function namesOf(
  snakeCase: (text: string) => string,
  { skipReservedKeywordsEscaping, useBlendoCasing }: EventNaming,
): Names {
  const remembered = new BoundedMap<string, string>(MOST_REMEMBERED);
  const reserved = skipReservedKeywordsEscaping ? SYSTEM : RESERVED;
  const column = (path: string): string => {
    const known = remembered.get(path);
    if (known !== undefined) return known;
    const cut = snakeCase(path).slice(0, LONGEST_IDENTIFIER);
    const name = reserved.has(cut) ? `_${cut}` : cut;
    remembered.set(path, name);
    return name;
  };
  return {
    column,
    table(event) {
      const name = column(event);
      return OWN_TABLES.has(name) ? `_${name}` : name;
    },
    event: (name) => (useBlendoCasing ? name.trim().toLowerCase() : snakeCase(name)),
  };
}
