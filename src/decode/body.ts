import { TrackbridgeError } from '../errors.js';
import type { JsonValue } from '../event/event.js';
import { decodeForm, looksLikeForm } from './form.js';
import { parseJson, tryParseJson } from './json.js';
import type { Limits } from './limits.js';
import { decodeMultipart, type MultipartReader } from './multipart.js';
import { decodeText } from './text.js';
import { decodeXml } from './xml.js';

/**
 * The value of a body, after `Content-Encoding` is undone. The body decides, not the label: what starts with `{` or `[` is
 * JSON, what starts with `<` is XML. The RudderStack Node SDK labels its JSON as a form, browsers theirs as text/plain, and
 * RudderStack can send two content types. Only where the start says nothing the label decides; without one that helps it is
 * JSON, else a form.
 *
 * Synchronous but for multipart. Throws BODY_EMPTY, BODY_MALFORMED or LIMIT_EXCEEDED, and what `readMultipart` rejects with.
 */
export function decodeBody(
  body: Buffer,
  contentType: string | undefined,
  readMultipart: MultipartReader,
  limits: Limits,
): JsonValue | Promise<JsonValue> {
  const start = firstCharacter(body);
  if (start === undefined) {
    throw new TrackbridgeError(
      'BODY_EMPTY',
      'the body holds no event; send one as JSON, form or XML',
    );
  }
  if (start === '{' || start === '[') return parseJson(decodeText(body, contentType), limits);
  if (start === '<') return decodeXml(decodeText(body, xmlLabel(body, contentType)), limits);
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === 'multipart/form-data' && contentType !== undefined) {
    return readMultipart(body, contentType).then((fields) => decodeMultipart(fields, limits));
  }
  return decodeByLabel(decodeText(body, contentType), mediaType, limits);
}

function decodeByLabel(text: string, mediaType: string, limits: Limits): JsonValue {
  // UTF-16 shows what it starts with only as text.
  const start = text.trimStart()[0];
  if (start === '{' || start === '[' || isType(mediaType, 'json')) return parseJson(text, limits);
  if (start === '<' || isType(mediaType, 'xml')) return decodeXml(text, limits);
  if (mediaType === 'application/x-www-form-urlencoded') return decodeForm(text, limits);

  const value = tryParseJson(text, limits);
  if (value !== undefined) return value;
  if (looksLikeForm(text)) return decodeForm(text, limits);
  const advice = /^--\S/.test(text)
    ? 'it looks like multipart: send Content-Type multipart/form-data with its boundary'
    : 'send JSON, a form, XML or multipart, and say which in Content-Type';
  throw new TrackbridgeError(
    'BODY_MALFORMED',
    `the body is in no format that is known here; ${advice}`,
  );
}

// The first byte that is neither a UTF-8 byte order mark nor white space, as a character.
function firstCharacter(body: Buffer): string | undefined {
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  for (; at < body.length; at++) {
    const byte = body[at];
    if (byte !== undefined && byte !== 0x20 && (byte < 0x09 || byte > 0x0d))
      return String.fromCharCode(byte);
  }
  return undefined;
}

function mediaTypeOf(contentType = ''): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

function isType(mediaType: string, format: 'json' | 'xml'): boolean {
  return mediaType.endsWith(`/${format}`) || mediaType.endsWith(`+${format}`);
}

// XML can name its charset itself; a label of the request goes before it (RFC 7303).
function xmlLabel(body: Buffer, contentType = ''): string {
  if (/charset\s*=/i.test(contentType)) return contentType;
  const declared = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)/.exec(
    body.toString('latin1', 0, 200),
  );
  return `application/xml; charset=${declared?.[1] ?? 'utf-8'}`;
}
