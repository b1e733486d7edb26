import { TrackbridgeError } from '../errors.js';
import type { JsonObject, JsonValue } from '../event/event.js';

/** How fast-xml-parser is told to name things in its ordered output. */
const ATTRIBUTES = ':@';
export const CDATA = '#cdata';
export const TEXT = '#text';
/**
 * Put in front of every element's name while the parser has it: it throws at elements named `constructor` or `__proto__`
 * and renames others. No XML name starts with this character.
 */
export const NAME_MARK = '=';

const WHITE_SPACE = /^[ \t\r\n]*$/;
const REFERENCE = /&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|apos|quot));/g;
const PREDEFINED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  apos: "'",
  quot: '"',
};

/** One node of the parser's ordered output: an element, a text or a CDATA section, and its attributes. */
type OrderedNode = Readonly<Record<string, unknown>>;

/**
 * The value of the root element, from the parser's ordered output of an element around the whole document; undefined
 * where that holds anything but one element and white space.
 *
 * Texts are strings as they stand, elements without anything `''`, elements that repeat arrays; attributes have `@_` in
 * front, and the text beside attributes or elements is `#text` (white space between elements is nothing). Of references
 * only the five predefined and the numeric ones are replaced. Recursive: the parser refuses what is deeper than the limit.
 * Throws BODY_MALFORMED.
 */
export function valueOfRoot(output: unknown): JsonValue | undefined {
  const nodes = nodesOf(output).flatMap((around) => nodesOf(around[nameOf(around) ?? '']));
  const [root, ...others] = nodes.filter((node) => !isBlank(node));
  return root === undefined || others.length > 0 ? undefined : valueOfElement(root);
}

function isBlank(node: OrderedNode): boolean {
  return nameOf(node) === TEXT && WHITE_SPACE.test(String(node[TEXT]));
}

function valueOfElement(element: OrderedNode): JsonValue {
  const members = new Map<string, JsonValue[]>();
  for (const [name, value] of Object.entries(element[ATTRIBUTES] ?? {})) {
    members.set(name, [replaceReferences(String(value))]);
  }
  let text = '';
  let hasElements = false;
  for (const child of nodesOf(element[nameOf(element) ?? ''])) {
    const name = nameOf(child);
    if (name === TEXT) text += replaceReferences(String(child[TEXT]));
    else if (name === CDATA)
      text += nodesOf(child[CDATA])
        .map((node) => String(node[TEXT]))
        .join('');
    else if (name !== undefined) {
      hasElements = true;
      add(members, name.slice(NAME_MARK.length), valueOfElement(child));
    }
  }
  if (members.size === 0) return text;
  if (hasElements ? !WHITE_SPACE.test(text) : text !== '') add(members, TEXT, text);
  return objectOf(members);
}

function add(members: Map<string, JsonValue[]>, name: string, value: JsonValue): void {
  const values = members.get(name);
  if (values === undefined) members.set(name, [value]);
  else values.push(value);
}

function objectOf(members: ReadonlyMap<string, JsonValue[]>): JsonObject {
  const object: JsonObject = {};
  for (const [name, values] of members) {
    const [first] = values;
    // Assigning it would replace the object's prototype.
    if (name === '__proto__' || first === undefined) continue;
    object[name] = values.length === 1 ? first : values;
  }
  return object;
}

function replaceReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (_, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return PREDEFINED[name] ?? '';
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (!isXmlCharacter(code)) {
      const detail =
        'the XML refers to a character that XML does not allow; leave the reference out';
      throw new TrackbridgeError('BODY_MALFORMED', detail);
    }
    return String.fromCodePoint(code);
  });
}

// XML 1.0, production 2.
function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return (
    code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
  );
}

function nodesOf(value: unknown): OrderedNode[] {
  return Array.isArray(value) ? value : [];
}

function nameOf(node: OrderedNode): string | undefined {
  return Object.keys(node).find((key) => key !== ATTRIBUTES);
}
