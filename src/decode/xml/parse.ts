import { isObject, type JsonObject } from '../../core/json.js';
import type { Limits } from '../limits.js';
import { checkLimits, dropPrototypeKeys } from '../sanitize.js';
import { notXml, XmlReader } from './reader.js';

// Fields of an event that hold only an object.
const OBJECT_FIELDS = ['context', 'properties', 'traits', 'integrations'];

/**
 * Decodes the event in an XML text: the root element is the event, its children are the members. Texts stay strings,
 * empty elements become `''`, and repeated elements become arrays. Attributes get the prefix `@_`, and the text beside
 * attributes or elements is `#text`. Only the five predefined references and numeric ones are replaced. RudderStack's
 * HTTP destination sends `<?xml ...?><root>...</root>` with arrays as repeated elements.
 *
 * Throws BODY_MALFORMED if the text is not well-formed, has a document type (whose entities could expand without
 * bound), or has a root with only text; LIMIT_EXCEEDED if it is too deep or has more than `limits.keys` elements and
 * attributes.
 */
export function decodeXml(text: string, limits: Limits): JsonObject {
  const root = new XmlReader(text.trimStart(), limits).read();
  if (typeof root === 'string' && root.trim() === '') return {};
  if (!isObject(root)) {
    throw notXml(
      'the root element contains only text; send one element for each field of the event',
    );
  }
  checkLimits(root, limits);
  dropPrototypeKeys(root);
  return withEmptyObjects(root);
}

/** RudderStack writes an empty object as `<context/>`, which XML cannot distinguish from an empty text. */
function withEmptyObjects(event: JsonObject): JsonObject {
  for (const field of OBJECT_FIELDS) if (event[field] === '') event[field] = {};
  return event;
}
