import { TrackbridgeError } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import type { ContentTypes } from './content-types.js';
import { decodeForm, looksLikeForm } from './form/parse.js';
import { parseEvents, tryParseEvents } from './json/parse.js';
import type { Limits } from './limits.js';
import { boundaryOf, decodeMultipart } from './multipart/parse.js';
import { decodeText } from './text.js';
import { decodeXml } from './xml/parse.js';

/** No sender names more than one boundary, and each can cost a search through the body. */
const MOST_BOUNDARIES = 4;

export const FORM = 'application/x-www-form-urlencoded';

/** Matches a JSON text that is neither an object nor an array. It is not an event, but it is JSON. */
const SCALAR = /^\s*(?:"|-?[0-9][0-9.eE+-]*\s*$|(?:true|false|null)\s*$)/;

/**
 * Decodes a decompressed body. The body decides, not its content type: a body that begins with `{` or `[` is JSON, one
 * that begins with `<` is XML, one that begins with a boundary is multipart. RudderStack's Node SDK labels its JSON as
 * a form, browsers label theirs as text/plain, and RudderStack can label a form both as JSON and as a form, in any
 * order. The content type decides only if the body does not.
 *
 * Throws BODY_EMPTY, BODY_MALFORMED or LIMIT_EXCEEDED.
 */
export function decodeBody(body: Buffer, labels: ContentTypes, limits: Limits): JsonValue {
  const start = firstCharacter(body);
  if (start === undefined) {
    throw new TrackbridgeError(
      'BODY_EMPTY',
      'the body contains no event; send one as JSON, form or XML',
    );
  }
  if (start === '{' || start === '[') return parseEvents(decodeText(body, labels), limits);
  if (start === '<') return decodeXml(decodeText(body, labels, declaredCharset(body)), limits);
  const boundary = multipartBoundary(body, labels);
  if (boundary !== undefined) return decodeMultipart(body, boundary, limits);
  return decodeUnmarked(decodeText(body, labels), labels, limits);
}

/** Whether a body is empty or only whitespace. */
export function isBlankBody(body: Buffer): boolean {
  return firstCharacter(body) === undefined;
}

function decodeUnmarked(text: string, labels: ContentTypes, limits: Limits): JsonValue {
  // The first character of UTF-16 is visible only after decoding.
  const start = text.trimStart()[0];
  if (start === '{' || start === '[') return parseEvents(text, limits);
  if (start === '<') return decodeXml(text, limits);
  const isForm = labels.says(FORM);
  const isJson = labels.saysFormat('json');
  if (SCALAR.test(text) && (isJson || !isForm)) {
    const value = tryParseEvents(text, limits);
    if (value !== undefined) return value;
  }
  if (isForm || looksLikeForm(text)) return decodeForm(text, limits);
  if (isJson) return parseEvents(text, limits);
  if (labels.saysFormat('xml')) return decodeXml(text, limits);
  const advice = /^--\S/.test(text)
    ? 'the body looks like multipart: send Content-Type multipart/form-data with the boundary'
    : 'send JSON, a form, XML or multipart, with the matching Content-Type';
  throw new TrackbridgeError(
    'BODY_MALFORMED',
    `the format of the body is not supported; ${advice}`,
  );
}

/** Returns the boundary that the body begins with, or that its own first line shows; undefined if there is none. */
export function multipartBoundary(body: Buffer, labels: ContentTypes): string | undefined {
  const given = labels.boundaries().slice(0, MOST_BOUNDARIES);
  const begins = (boundary: string): boolean =>
    body.subarray(0, boundary.length + 2).equals(Buffer.from(`--${boundary}`));
  // Text before the first boundary is allowed, but no sender writes any.
  return given.find(begins) ?? boundaryOf(body) ?? given.find((one) => body.includes(`--${one}`));
}

// Returns the first byte that is neither part of a UTF-8 byte order mark nor whitespace, as a character.
function firstCharacter(body: Buffer): string | undefined {
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  for (; at < body.length; at++) {
    const byte = body[at];
    if (byte !== undefined && byte !== 0x20 && (byte < 0x09 || byte > 0x0d))
      return String.fromCharCode(byte);
  }
  return undefined;
}

/** Reads the charset in an XML declaration. A charset in `Content-Type` takes precedence (RFC 7303). */
function declaredCharset(body: Buffer): string | undefined {
  return /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)/.exec(
    body.toString('latin1', 0, 200),
  )?.[1];
}
