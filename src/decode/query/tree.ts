import { TrackbridgeError } from '../../core/errors.js';
import type { JsonObject, JsonValue } from '../../core/json.js';
import type { Limits } from '../limits.js';
import { flattenedKey, type Step } from './keys.js';
import { tooManyKeys } from './parameters.js';
import type { SpecTypes } from './spec-types.js';

export type ReadValue = (text: string, spec: SpecTypes | undefined) => JsonValue;

/** The claims of the parameters on one node. More than one kind is a collision. */
interface QueryNode {
  text?: string;
  members?: Map<string, QueryNode>;
  items?: Map<number, QueryNode>;
}

/**
 * Collects all parameters of a query before it decides what is an object, an array or a plain value, so that their
 * order does not matter. Nodes are kept in maps until then, so no name can reach a prototype and no index costs more
 * than one entry.
 */
export class QueryTree {
  readonly #root: QueryNode = {};
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
    let node = this.#root;
    for (const step of steps) node = this.#child(node, step);
    if (node.text !== undefined && node.text !== text) this.#collisions.add(key);
    node.text = text;
  }

  /** Returns the whole value, `{}` if nothing was entered. Throws LIMIT_EXCEEDED if too many elements are missing. */
  read(readValue: ReadValue, spec: SpecTypes | undefined): JsonValue {
    return this.#valueOf(this.#root, '', spec, readValue);
  }

  /** The keys whose value was lost or moved, sorted; complete after `read`. */
  collisions(): string[] {
    return [...this.#collisions].sort();
  }

  #child(node: QueryNode, step: Step): QueryNode {
    if (typeof step === 'string') {
      node.members ??= new Map();
      return this.#enter(node.members, step);
    }
    node.items ??= new Map();
    return this.#enter(node.items, step);
  }

  #enter<S extends Step>(nodes: Map<S, QueryNode>, step: S): QueryNode {
    const known = nodes.get(step);
    if (known !== undefined) return known;
    this.#count(1);
    const node: QueryNode = {};
    nodes.set(step, node);
    return node;
  }

  #count(keys: number): void {
    this.#keys += keys;
    if (this.#keys > this.#limits.keys) throw tooManyKeys(this.#limits);
  }

  // Recursion is safe: `put` rejects keys deeper than the limit.
  #valueOf(node: QueryNode, key: string, spec: SpecTypes | undefined, read: ReadValue): JsonValue {
    const { text, members, items } = node;
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
    // Members are added after the elements, because a member named `[0]` takes precedence over an element.
    for (const [name, member] of members) {
      object[name] = this.#valueOf(member, flattenedKey(key, name), spec?.member(name), read);
    }
    return object;
  }

  #arrayOf(
    items: ReadonlyMap<number, QueryNode>,
    key: string,
    spec: SpecTypes | undefined,
    read: ReadValue,
  ): JsonValue[] {
    let length = 0;
    for (const index of items.keys()) length = Math.max(length, index + 1);
    // A few bytes of query can cause a thousand missing elements, repeatedly.
    this.#count(length - items.size);
    const array = new Array<JsonValue>(length).fill(null);
    for (const [index, item] of items) {
      array[index] = this.#valueOf(item, flattenedKey(key, index), spec?.item(index), read);
    }
    return array;
  }
}
