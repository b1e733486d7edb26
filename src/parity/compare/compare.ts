import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { Normalized } from '../normalize/normalize.js';
import { memberPath } from '../paths.js';
import type { CompareSettings, Difference, DifferenceKind } from '../settings.js';
import { stableJson } from '../stable-json.js';
import { compareTexts, numberDifference } from './scalars.js';
import { sameZone } from './zone.js';

export interface Compared {
  /** Without repetition: several items of one array give one difference. */
  readonly differences: readonly Difference[];
  /** The rules without which the events would differ. */
  readonly rules: readonly string[];
}

export interface CompareOptions {
  readonly compare: CompareSettings;
  /** Milliseconds. */
  readonly tolerance: number;
  /** Returns whether two anonymousIds are known not to belong together. */
  readonly contradicts: (left: string, right: string) => boolean;
}

/** A comparison of one pair stops at this number of differences: it is not one event. */
const MOST = 200;

/**
 * Compares two normalized events. In objects null equals absent, numbers are compared by value, times as instants, texts
 * by code point. The time at which both are compared, for time zones, is the left event's `timestamp`.
 */
export function compareEvents(
  left: Normalized,
  right: Normalized,
  options: CompareOptions,
): Compared {
  const walk = new Walk(options, Date.parse(String(left.event['timestamp'])) || 0);
  walk.objects(left.event, right.event, '');
  for (const rule of new Set([...left.applied.keys(), ...right.applied.keys()])) {
    const sides = [left, right].map(({ applied }) => JSON.stringify(applied.get(rule) ?? []));
    if (sides[0] !== sides[1]) walk.rules.add(rule);
  }
  return { differences: [...walk.found.values()], rules: [...walk.rules].sort() };
}

class Walk {
  readonly found = new Map<string, Difference>();
  readonly rules = new Set<string>();
  readonly #options: CompareOptions;
  readonly #at: number;

  constructor(options: CompareOptions, at: number) {
    this.#options = options;
    this.#at = at;
  }

  objects(left: JsonObject, right: JsonObject, path: string): void {
    for (const key of Object.keys(left)) {
      this.#member(left[key], own(right, key), memberPath(path, key));
    }
    for (const key of Object.keys(right)) {
      if (own(left, key) === undefined) this.#member(undefined, right[key], memberPath(path, key));
    }
  }

  #member(left: JsonValue | undefined, right: JsonValue | undefined, path: string): void {
    const [one, other] = [left ?? undefined, right ?? undefined];
    if (one === undefined && other === undefined) {
      if (left !== right) this.rules.add('null-dropped');
    } else if (one === undefined) this.#add(path, 'extra');
    else if (other === undefined) this.#add(path, 'missing');
    else this.#values(one, other, path);
  }

  #values(left: JsonValue, right: JsonValue, path: string): void {
    if (left === right || this.found.size >= MOST) return;
    if (typeof left === 'string' && typeof right === 'string') this.#texts(left, right, path);
    else if (Array.isArray(left) && Array.isArray(right)) this.#arrays(left, right, path);
    else if (isObject(left) && isObject(right)) this.objects(left, right, path);
    else if (typeof left === 'number' && typeof right === 'number') {
      this.#add(path, numberDifference(left, right));
    } else if (typeOf(left) === typeOf(right)) this.#add(path, 'value');
    else if (!this.#isNumberAsText(left, right)) this.#add(path, 'type');
  }

  #isNumberAsText(left: JsonValue, right: JsonValue): boolean {
    if (this.#options.compare.numbers !== 'text') return false;
    return scalar(left) && scalar(right) && String(left) === String(right);
  }

  #texts(left: string, right: string, path: string): void {
    if (path === '/anonymousId') {
      if (this.#options.contradicts(left, right)) this.#add(path, 'value');
      else this.rules.add('anonymous-map');
      return;
    }
    if (path === '/context/timezone' && sameZone(left, right, this.#at)) {
      this.rules.add('timezone');
      return;
    }
    const { compare, tolerance } = this.#options;
    const result = compareTexts(left, right, compare, tolerance);
    if (result === 'tolerated') this.rules.add('time-tolerance');
    else if (result !== 'equal') this.#add(path, result);
  }

  #arrays(left: readonly JsonValue[], right: readonly JsonValue[], path: string): void {
    const items = `${path}/*`;
    const before = this.found.size;
    const inner = new Walk(this.#options, this.#at);
    for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
      inner.#items(left[at] ?? null, right[at] ?? null, items);
    }
    if (left.length > right.length) inner.#add(items, 'missing');
    if (left.length < right.length) inner.#add(items, 'extra');
    if (inner.found.size > 0 && left.length === right.length && sameItems(left, right)) {
      this.#add(path, 'order');
      return;
    }
    for (const rule of inner.rules) this.rules.add(rule);
    for (const { path: at, kind } of inner.found.values()) {
      if (this.found.size - before < MOST) this.#add(at, kind);
    }
  }

  /** In arrays, null is a value: its place counts. */
  #items(left: JsonValue, right: JsonValue, path: string): void {
    if (left === null || right === null) {
      if (left !== right) this.#add(path, 'type');
    } else this.#values(left, right, path);
  }

  #add(path: string, kind: DifferenceKind): void {
    this.found.set(`${kind} ${path}`, { path, kind });
  }
}

function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function typeOf(value: JsonValue): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

function scalar(value: JsonValue): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function sameItems(left: readonly JsonValue[], right: readonly JsonValue[]): boolean {
  const sorted = (items: readonly JsonValue[]): string => items.map(stableJson).sort().join('\n');
  return sorted(left) === sorted(right);
}
