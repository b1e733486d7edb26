import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { TrackbridgeError } from '../errors.js';
import type { JsonObject } from '../event/event.js';
import type { Limits } from './limits.js';
import { checkLimits, dropPrototypeKeys, tooDeep, tooManyKeys } from './sanitize.js';
import { CDATA, NAME_MARK, TEXT, valueOfRoot } from './xml-tree.js';

// The library's own wording quotes names and texts, which are payload.
const WORDING: Readonly<Record<string, string>> = {
  InvalidTag: 'a tag is malformed or is not the one that should be closed',
  InvalidAttr: 'an attribute is malformed or repeated',
  InvalidChar: 'a character stands where XML allows none',
};

// The root element, the XML declaration, and a few comments: no keys of the event.
const MORE_TAGS = 1_000;
// Such carry nothing of an event, but the library looks for attributes in them, which took seconds for 8 MB.
const LONGEST_INSTRUCTION = 1_000;

// Blanks, equals signs and values of tags: three make an attribute. The library takes two seconds for 8 MB of any of them.
const MARKS_A_KEY = 3;

const BLANK = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const EQUALS = 0x3d;
const CLOSE = 0x3e;

// Fields of an event that hold an object or nothing.
const OBJECT_FIELDS = ['context', 'properties', 'traits', 'integrations'];

/**
 * The event that an XML text stands for: the root element is the event, its children are the members. What becomes of
 * texts, attributes and repeated elements is said at `valueOfRoot`. RudderStack's HTTP destination sends
 * `<?xml ...?><root>...</root>` with arrays as repeated elements.
 *
 * Throws BODY_MALFORMED where the text is not well-formed, has a document type (whose entities could grow without end), or
 * its root holds only text; LIMIT_EXCEEDED where it is too deep, or has over `limits.keys` elements and attributes.
 */
export function decodeXml(text: string, limits: Limits): JsonObject {
  const xml = text.trimStart();
  refuseHostile(xml, limits);
  // The parser accepts what is not well-formed.
  const verdict = XMLValidator.validate(xml);
  if (verdict !== true) throw malformed(verdict.err);
  const root = valueOfRoot(parse(xml, limits));
  // The validator overlooks what follows a root that closes itself.
  if (root === undefined) throw malformed({ code: 'InvalidXml' });
  if (typeof root === 'string' && root.trim() === '') return {};
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    throw notXml('the root element holds only text; send one element for each field of the event');
  }
  checkLimits(root, limits);
  dropPrototypeKeys(root);
  return withEmptyObjects(root as JsonObject);
}

/** RudderStack writes an empty object as `<context/>`, which XML alone cannot tell from an empty text. */
function withEmptyObjects(event: JsonObject): JsonObject {
  for (const field of OBJECT_FIELDS) if (event[field] === '') event[field] = {};
  return event;
}

function parse(text: string, limits: Limits): unknown {
  // Neither the element around all nor the root is a key.
  let keys = -2;
  const mark = (name: string): string => (name.startsWith(NAME_MARK) ? name : NAME_MARK + name);
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '@_',
    textNodeName: TEXT,
    cdataPropName: CDATA,
    ignoreDeclaration: true,
    ignorePiTags: true,
    // Texts stay as they were sent: `007` is no number, and blanks may be meant.
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    processEntities: false,
    // A path as text for every element would take time that grows with depth times elements.
    jPath: false,
    transformTagName: mark,
    // Both limits are checked in updateTag, which can say which one it was.
    maxNestedTags: Number.POSITIVE_INFINITY,
    updateTag: (name, path, attributes) => {
      keys += 1 + Object.keys(attributes ?? {}).length;
      if (keys > limits.keys) throw tooManyKeys(limits);
      // No levels of the value: the element around all, and the innermost one, which is a text.
      if (typeof path !== 'string' && path.getDepth() > limits.depth + 2) throw tooDeep(limits);
      return name;
    },
  });
  try {
    return parser.parse(`<document>${text}</document>`);
  } catch (cause) {
    if (cause instanceof TrackbridgeError) throw cause;
    // Without a cause: the library's words quote names, which are payload, and a cause is logged.
    throw notXml('the text cannot be read as XML; send it as it was serialised');
  }
}

/**
 * Refuses, from the text and in linear time, what the library would take long over or should not see: declarations
 * (`<!` that begins neither a comment nor CDATA), more tags or attributes than `limits.keys`, long processing instructions.
 */
function refuseHostile(text: string, limits: Limits): void {
  // Each is replaced on its own: 1.6 million of them stopped the event loop for two seconds.
  let references = 0;
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) {
    if (++references > limits.keys) throw tooManyKeys(limits);
  }
  let tags = 0;
  let marks = 0;
  let tagEnd = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    if (text[at + 1] !== '/' && ++tags > limits.keys + MORE_TAGS) throw tooManyKeys(limits);
    const end = endOfSpecial(text, at);
    if (end === undefined) {
      if (text.startsWith('<!', at)) {
        throw notXml('a document type or entity declaration is not accepted; leave it out');
      }
      // What looks like a tag inside another one is searched for declarations all the same.
      if (at >= tagEnd) {
        const tag = readTag(text, at);
        tagEnd = tag.end;
        marks += tag.marks;
        if (marks > MARKS_A_KEY * limits.keys + MORE_TAGS) throw tooManyKeys(limits);
      }
      at++;
      continue;
    }
    const start = at;
    at = text.indexOf(end, start + 1);
    if (at === -1)
      throw notXml(`a section that ends with "${end}" is not closed; send it as it was serialised`);
    if (end === '?>' && at - start > LONGEST_INSTRUCTION) {
      throw notXml('a processing instruction is too long; leave it out');
    }
  }
}

/** Where the tag that begins at `start` ends, and its blanks, equals signs and values of attributes. */
function readTag(text: string, start: number): { readonly end: number; readonly marks: number } {
  let marks = 0;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === CLOSE) return { end: at, marks };
    if (code === EQUALS || code <= BLANK) marks++;
    else if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE) {
      const close = text.indexOf(text[at] ?? '', at + 1);
      if (close === -1) break;
      at = close;
      marks++;
    }
  }
  return { end: text.length, marks };
}

function endOfSpecial(text: string, at: number): string | undefined {
  if (text.startsWith('<!--', at)) return '-->';
  if (text.startsWith('<![CDATA[', at)) return ']]>';
  return text.startsWith('<?', at) ? '?>' : undefined;
}

function malformed(error: { code: string; line?: number; col?: number }): TrackbridgeError {
  const what =
    WORDING[error.code] ?? 'there must be one root element, closed, and nothing after it';
  const where = error.col === undefined ? '' : ` at line ${error.line}, column ${error.col}`;
  return notXml(`${what}${where}; send it as it was serialised`);
}

function notXml(detail: string): TrackbridgeError {
  return new TrackbridgeError('BODY_MALFORMED', `the XML is not accepted: ${detail}`);
}
