import { isObject, type JsonObject, type JsonValue } from '../../../core/json.js';
import { type EventKeys, keysOf } from '../../../event/dedupe-key.js';
import type { CanonicalEvent, Vendor } from '../../../event/event.js';
import type { Names } from '../naming/naming.js';
import { storableText, storableTime } from '../text.js';
import type { Scalar } from '../values.js';
import { isReserved } from './columns.js';
import { isJson, type JsonPaths, type Place } from './json-paths.js';

/** A row as the event defines it. The table decides which of its values have a column. */
export interface Row {
  readonly table: string;
  /** The keys of the event with and without authentication. */
  readonly keys: EventKeys;
  readonly authenticated: boolean;
  readonly values: ReadonlyMap<string, Scalar>;
  /** Values for columns of JSON, by column. */
  readonly json: ReadonlyMap<string, JsonValue>;
  /** Values whose name is in use or has no valid character, by path. */
  readonly other: JsonObject;
  /** Values that their own column cannot hold, such as an unreadable time, by column. */
  readonly unfit: JsonObject;
}

/** How the rows of one event are made. */
export interface RowContext {
  readonly event: CanonicalEvent;
  readonly names: Names;
  readonly jsonPaths: JsonPaths;
}

/** A part of an event whose leaves become columns: `properties`, or `context.traits`. */
type Part = 'properties' | 'traits' | 'userProperties' | 'context' | 'context.traits';

export class RowBuilder implements Row {
  readonly table: string;
  readonly keys: EventKeys;
  readonly authenticated: boolean;
  readonly values: Map<string, Scalar>;
  readonly json: Map<string, JsonValue>;
  readonly other: JsonObject;
  readonly unfit: JsonObject;
  readonly #context: RowContext;
  readonly #vendor: Vendor;
  /** The paths of columns that a later value of the same part may take, as at the vendors. */
  readonly #paths = new Map<string, string>();

  constructor(table: string, context: RowContext, from?: Row) {
    const { event } = context;
    this.table = table;
    this.keys = from?.keys ?? storableKeys(keysOf(event));
    this.authenticated = event.receipt.authenticated;
    this.values = new Map(from?.values);
    this.json = new Map(from?.json);
    this.other = { ...from?.other };
    this.unfit = { ...from?.unfit };
    this.#context = context;
    this.#vendor = event.receipt.vendor;
  }

  /** The deduplication key of the event. */
  get key(): string {
    return this.authenticated ? this.keys.authenticated : this.keys.unauthenticated;
  }

  /** Copies the row for another table, to be extended. */
  copy(table: string): RowBuilder {
    return new RowBuilder(table, this.#context, this);
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

  /**
   * Every leaf gets a column named after its path; arrays are kept whole. Values that were there before `seal` keep
   * their column; of the others, the last one gets it.
   */
  flatten(part: Part, object: unknown, prefix = ''): void {
    const steps = [this.#context.event.type, ...part.split('.')];
    this.#flatten(object, {
      whole: `${steps.join('_')}_`,
      wholeDepth: steps.length,
      path: prefix,
      depth: 0,
    });
  }

  /** Keeps the columns that have a value from later parts of the event. */
  seal(): void {
    this.#paths.clear();
  }

  #flatten(object: unknown, above: Place): void {
    if (!isObject(object)) return;
    const { event, jsonPaths } = this.#context;
    for (const [key, value] of Object.entries(object)) {
      // RudderStack writes nothing for empty values, Segment only for null.
      if (value === null || (this.#vendor === 'rudderstack' && isBlank(value))) continue;
      const place = { ...above, whole: above.whole + key, path: above.path + key };
      if (isJson(jsonPaths, place, event.type)) this.#set(place.path, value, this.json);
      else if (isObject(value)) {
        this.#flatten(value, {
          whole: `${place.whole}_`,
          wholeDepth: place.wholeDepth + 1,
          path: `${place.path}_`,
          depth: place.depth + 1,
        });
      } else this.#set(place.path, scalarOf(value), this.values);
    }
  }

  #set<Value extends JsonValue>(path: string, value: Value, to: Map<string, Value>): void {
    const column = this.#context.names.column(path);
    const before = this.values.get(column) ?? this.json.get(column);
    // SDKs send some values twice, such as a page's name.
    if (before === value) return;
    const earlier = this.#paths.get(column);
    const isTaken = before !== undefined && earlier === undefined;
    if (column === '' || isTaken || isReserved(this.table, column, this.#vendor)) {
      this.other[path] = value;
      return;
    }
    if (before !== undefined && earlier !== undefined) this.other[earlier] = before;
    this.values.delete(column);
    this.json.delete(column);
    to.set(column, value);
    this.#paths.set(column, path);
  }
}

function scalarOf(value: Scalar | readonly JsonValue[]): Scalar {
  return typeof value === 'object' ? JSON.stringify(value) : value;
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

/** Empty text, and arrays without a text: the transformer looks at their text, in which null is `null`. */
function isBlank(value: JsonValue | undefined): boolean {
  if (!Array.isArray(value)) return value === '';
  return value.length === 0 || (value.length === 1 && isBlank(value[0]));
}
