import type { JsonObject, JsonValue } from '../event/event.js';
import { tryParseJson } from './json.js';
import { findJsonFault } from './json-fault.js';
import type { Limits } from './limits.js';
import { checkLimits, dropPrototypeKeys, tooDeep, tooManyKeys } from './sanitize.js';

const INDEX = /^(?:0|[1-9][0-9]*)$/;

/** What the fields say about one place: texts given for the place itself, and places below it. */
interface Place {
  readonly texts: string[];
  below?: Map<string, Place>;
}

/**
 * The object that the fields of a form stand for, as any form reader sees them: `a[b]` is a member, `a[0]` an element,
 * `a[]` one more element, a name given several times an array. Dots are part of names. A key whose brackets do not match
 * is a name as it stands. Missing elements close up. Texts that are JSON objects or arrays become those; all others stay
 * texts. Where a name has both texts and members, it becomes an array of both: nothing is lost.
 *
 * Collected in maps first: qs, which does the same, takes 4 s for 100,000 fields like `a[b1][999]`, and for arrays over its
 * limit turns them into objects; here time and memory grow with the text alone, whatever the indexes.
 * Throws LIMIT_EXCEEDED.
 */
export function objectOfFields(
  fields: Iterable<readonly [string, string]>,
  limits: Limits,
): JsonObject {
  const root: Place = { texts: [] };
  let keys = 0;
  for (const [key, text] of fields) {
    let place = root;
    for (const name of namesOf(key, limits)) {
      place.below ??= new Map();
      let next = place.below.get(name);
      if (next === undefined) {
        if (++keys > limits.keys) throw tooManyKeys(limits);
        next = { texts: [] };
        place.below.set(name, next);
      }
      place = next;
    }
    place.texts.push(text);
  }
  const object = membersOf(root.below ?? new Map(), limits);
  checkLimits(object, limits);
  dropPrototypeKeys(object);
  return object;
}

// `a[b][]` names a, b and the empty name.
function namesOf(key: string, limits: Limits): string[] {
  const open = key.indexOf('[');
  if (open <= 0 || !key.endsWith(']')) return [key];
  const names = [key.slice(0, open)];
  for (let at = open; at < key.length; ) {
    const close = key.indexOf(']', at);
    const name = key.slice(at + 1, close);
    if (key[at] !== '[' || close === -1 || name.includes('[')) return [key];
    if (names.push(name) > limits.depth) throw tooDeep(limits);
    at = close + 1;
  }
  return names;
}

// Recursive: `namesOf` lets nothing in that is deeper than the limit.
function valueOfPlace(place: Place, limits: Limits): JsonValue {
  const values = place.texts.map((text) => valueOfText(text, limits));
  if (place.below !== undefined) values.push(containerOf(place.below, limits));
  const [first] = values;
  return values.length === 1 && first !== undefined ? first : values;
}

function containerOf(places: ReadonlyMap<string, Place>, limits: Limits): JsonValue {
  const appended = places.get('');
  const indexes = [...places.keys()].filter((name) => name !== '');
  if (!indexes.every((name) => INDEX.test(name))) return membersOf(places, limits);

  const items: JsonValue[] = [];
  for (const index of indexes.sort((a, b) => Number(a) - Number(b))) {
    const item = places.get(index);
    if (item !== undefined) items.push(valueOfPlace(item, limits));
  }
  if (appended !== undefined) {
    for (const text of appended.texts) items.push(valueOfText(text, limits));
    if (appended.below !== undefined) items.push(containerOf(appended.below, limits));
  }
  return items;
}

function membersOf(places: ReadonlyMap<string, Place>, limits: Limits): JsonObject {
  const object: JsonObject = {};
  for (const [name, member] of places) {
    // Assigning it would replace the object's prototype.
    if (name !== '__proto__') object[name] = valueOfPlace(member, limits);
  }
  return object;
}

// RudderStack's HTTP destination writes everything that is not a string as JSON into its forms.
function valueOfText(text: string, limits: Limits): JsonValue {
  if (!/^\s*[[{]/.test(text)) return text;
  // A form can hold 100,000 texts that merely start like JSON, and failing to parse one costs ten times as much as looking.
  if (findJsonFault(text) !== undefined) return text;
  return tryParseJson(text, limits) ?? text;
}
