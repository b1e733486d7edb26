import { TrackbridgeError } from '../errors.js';
import type { JsonObject, JsonValue } from '../event/event.js';
import type { Limits } from './limits.js';
import { flattenedKey, type Step } from './query-keys.js';
import { tooManyKeys } from './query-parameters.js';
import type { SpecTypes } from './spec-types.js';

export type ReadValue = (text: string, spec: SpecTypes | undefined) => JsonValue;

/** What the parameters claim about one place: to hold more than one of these is a collision. */
interface Place {
  text?: string;
  members?: Map<string, Place>;
  items?: Map<number, Place>;
}

/**
 * Collects what the parameters of a query say, and only then decides what is an object, an array or a plain value, so
 * that the order of the parameters does not matter. Places are in maps until then: no name can reach a prototype, and no
 * index costs more than one entry.
 */
export class QueryTree {
  readonly #root: Place = {};
  readonly #limits: Limits;
  readonly #collisions = new Set<string>();
  #keys = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Enters one parameter; the last one of a key counts. Throws LIMIT_EXCEEDED. */
  put(key: string, steps: readonly Step[], text: string): void {
    if (steps.length > this.#limits.depth) {
      const depth = this.#limits.depth;
      const detail = `a key of the query is nested over ${depth} levels deep; send flatter events`;
      throw new TrackbridgeError('LIMIT_EXCEEDED', detail);
    }
    if (steps.includes('__proto__')) return;
    let place = this.#root;
    for (const step of steps) place = this.#below(place, step);
    if (place.text !== undefined && place.text !== text) this.#collisions.add(key);
    place.text = text;
  }

  /** The whole value, `{}` where nothing was entered. Throws LIMIT_EXCEEDED where missing elements are too many. */
  read(readValue: ReadValue, spec: SpecTypes | undefined): JsonValue {
    return this.#valueOf(this.#root, '', spec, readValue);
  }

  /** The keys that lost their value or their place, sorted; complete after `read`. */
  collisions(): string[] {
    return [...this.#collisions].sort();
  }

  #below(place: Place, step: Step): Place {
    if (typeof step === 'string') {
      place.members ??= new Map();
      return this.#enter(place.members, step);
    }
    place.items ??= new Map();
    return this.#enter(place.items, step);
  }

  #enter<S extends Step>(places: Map<S, Place>, step: S): Place {
    const known = places.get(step);
    if (known !== undefined) return known;
    this.#count(1);
    const place: Place = {};
    places.set(step, place);
    return place;
  }

  #count(keys: number): void {
    this.#keys += keys;
    if (this.#keys > this.#limits.keys) throw tooManyKeys(this.#limits);
  }

  // Recursive: `put` lets nothing in that is deeper than the limit.
  #valueOf(place: Place, key: string, spec: SpecTypes | undefined, read: ReadValue): JsonValue {
    const { text, members, items } = place;
    if (members === undefined && items === undefined) {
      return text === undefined ? {} : read(text, spec);
    }
    if (text !== undefined) this.#collisions.add(key);
    if (members === undefined) return this.#arrayOf(items ?? new Map(), key, spec, read);

    const object: JsonObject = {};
    for (const [index, item] of items ?? []) {
      const itemKey = flattenedKey(key, index);
      this.#collisions.add(itemKey);
      object[`[${index}]`] = this.#valueOf(item, itemKey, spec?.member(`[${index}]`), read);
    }
    // After the elements: a member that is itself named `[0]` has the better claim to the name.
    for (const [name, member] of members) {
      object[name] = this.#valueOf(member, flattenedKey(key, name), spec?.member(name), read);
    }
    return object;
  }

  #arrayOf(
    items: ReadonlyMap<number, Place>,
    key: string,
    spec: SpecTypes | undefined,
    read: ReadValue,
  ): JsonValue[] {
    let length = 0;
    for (const index of items.keys()) length = Math.max(length, index + 1);
    // A few bytes of query can ask for a thousand missing elements, again and again.
    this.#count(length - items.size);
    const array = new Array<JsonValue>(length).fill(null);
    for (const [index, item] of items) {
      array[index] = this.#valueOf(item, flattenedKey(key, index), spec?.item(index), read);
    }
    return array;
  }
}
