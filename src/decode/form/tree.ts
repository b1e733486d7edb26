import type { JsonObject, JsonValue } from '../../core/json.js';
import { type Role, roleOfElement, roleOfMember } from '../json/exact-ids.js';
import { findJsonFault } from '../json/fault.js';
import { tryParseEvents } from '../json/parse.js';
import type { Limits } from '../limits.js';
import { checkEvents, dropPrototypeKeys, tooDeep, tooManyKeys } from '../sanitize.js';

const INDEX = /^(?:0|[1-9][0-9]*)$/;

/** Characters. A failed parse costs 10 µs at any length; searching for the fault first costs 30 ns per character. */
const WORTH_LOOKING = 500;

/** The fields of one node: texts for the node itself, and its children. */
interface FormNode {
  readonly texts: string[];
  children?: Map<string, FormNode>;
}

/**
 * Builds the object that the fields of a form describe. `a[b]` is a member, `a[0]` an element, `a[]` one more element,
 * and a repeated name an array. Dots are part of names. A key whose brackets do not match is a plain name. Missing
 * elements are skipped. A text that is a JSON object or array is parsed; any other text stays a string. A name with
 * both texts and members becomes an array of both, so that nothing is lost.
 *
 * Fields are collected in maps first, so time and memory grow only with the length of the text, whatever the indexes.
 * qs takes 4 s for 100,000 fields like `a[b1][999]` and turns arrays over its limit into objects. Throws
 * LIMIT_EXCEEDED.
 */
export function objectOfFields(
  fields: Iterable<readonly [string, string]>,
  limits: Limits,
): JsonObject {
  const root: FormNode = { texts: [] };
  let keys = 0;
  for (const [key, text] of fields) {
    let node = root;
    for (const name of namesOf(key, limits)) {
      node.children ??= new Map();
      let next = node.children.get(name);
      if (next === undefined) {
        if (++keys > limits.keys) throw tooManyKeys(limits);
        next = { texts: [] };
        node.children.set(name, next);
      }
      node = next;
    }
    node.texts.push(text);
  }
  const object = membersOf(root.children ?? new Map(), 'body', limits);
  checkEvents(object, limits);
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

// Recursion is safe: `namesOf` rejects keys deeper than the limit.
function valueOfNode(node: FormNode, role: Role, limits: Limits): JsonValue {
  const values = node.texts.map((text) => valueOfText(text, role, limits));
  if (node.children !== undefined) values.push(containerOf(node.children, role, limits));
  const [first] = values;
  return values.length === 1 && first !== undefined ? first : values;
}

function containerOf(nodes: ReadonlyMap<string, FormNode>, role: Role, limits: Limits): JsonValue {
  const appended = nodes.get('');
  const indexes = [...nodes.keys()].filter((name) => name !== '');
  if (!indexes.every((name) => INDEX.test(name))) return membersOf(nodes, role, limits);

  const elements = roleOfElement(role);
  const items: JsonValue[] = [];
  const ordered = indexes.map((index) => ({ index, number: Number(index) }));
  for (const { index } of ordered.sort((a, b) => a.number - b.number)) {
    const item = nodes.get(index);
    if (item !== undefined) items.push(valueOfNode(item, elements, limits));
  }
  if (appended !== undefined) {
    for (const text of appended.texts) items.push(valueOfText(text, elements, limits));
    if (appended.children !== undefined)
      items.push(containerOf(appended.children, elements, limits));
  }
  return items;
}

function membersOf(nodes: ReadonlyMap<string, FormNode>, role: Role, limits: Limits): JsonObject {
  const object: JsonObject = {};
  for (const [name, member] of nodes) {
    // Assigning it would replace the object's prototype.
    if (name === '__proto__') continue;
    object[name] = valueOfNode(member, roleOfMember(role, name), limits);
  }
  return object;
}

// RudderStack's HTTP destination writes every value that is not a string as JSON into its forms.
function valueOfText(text: string, role: Role, limits: Limits): JsonValue {
  if (!/^\s*[[{]/.test(text)) return text;
  if (text.length < WORTH_LOOKING && findJsonFault(text) !== undefined) return text;
  return tryParseEvents(text, limits, role) ?? text;
}
