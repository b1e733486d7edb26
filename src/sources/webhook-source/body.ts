import { TrackbridgeError } from '../../core/errors.js';
import type { JsonObject, JsonValue } from '../../core/json.js';
import { FORM, multipartBoundary } from '../../decode/body.js';
import { ContentTypes } from '../../decode/content-types.js';
import { formFields } from '../../decode/form/parse.js';
import { parseJson } from '../../decode/json/parse.js';
import { LIMITS } from '../../decode/limits.js';
import {
  type MultipartFile,
  type MultipartPart,
  readMultipart,
} from '../../decode/multipart/parse.js';
import { checkLimits, dropPrototypeKeys } from '../../decode/sanitize.js';
import { decodeText } from '../../decode/text.js';
import { TEXTS } from '../gateway-answers.js';
import type { Delivery } from '../source.js';

/**
 * Decodes a webhook's body by its content type, as RudderStack's gateway does. In a form every value is an array of
 * strings. A multipart body has its fields and files apart. Everything else is JSON, and an empty body is `{}`. If
 * several content types are sent, the one that fits the body counts. NUL characters are removed. Throws BODY_MALFORMED
 * with the gateway's text, or LIMIT_EXCEEDED.
 */
export function decodeWebhook({ body, headers }: Delivery): JsonValue {
  const labels = new ContentTypes(headers.all('content-type'));
  if (labels.says('multipart/form-data')) {
    const boundary = multipartBoundary(body, labels);
    if (boundary !== undefined) {
      return answering(TEXTS.webhookMultipart, () =>
        finished(ofMultipart(readMultipart(body, boundary, LIMITS))),
      );
    }
    if (!labels.areSeveral) throw new TrackbridgeError('BODY_MALFORMED', TEXTS.webhookMultipart);
  }
  if (body.length === 0) return {};
  const isJson = labels.areSeveral && /^\s*[[{]/.test(body.toString('latin1', 0, 100));
  if (labels.says(FORM) && !isJson) {
    return answering(TEXTS.webhookForm, () =>
      finished(grouped(formFields(decodeText(body, labels).trim(), LIMITS))),
    );
  }
  return answering(TEXTS.webhookJson, () => {
    // RudderStack removes NULs before it parses, so a NUL between two tokens is harmless.
    const text = decodeText(body, labels).replaceAll('\0', '');
    const value = parseJson(text, LIMITS);
    return text.includes('\\u0000') ? withoutNuls(value) : value;
  });
}

/** Returns the parameters of a query except its write key; a repeated one has all its values. Throws LIMIT_EXCEEDED. */
export function parametersOf(query: string): JsonObject {
  const parameters = new URLSearchParams(query);
  parameters.delete('writeKey');
  const members = Object.entries(grouped(parameters)).map(([name, values]) => [
    name,
    unwrapped(values),
  ]);
  return finished(Object.fromEntries(members) as JsonObject) as JsonObject;
}

/** Unwraps a list of one, as RudderStack does. */
export function unwrapped(values: readonly string[]): string | string[] {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : [...values];
}

function grouped<V extends JsonValue>(pairs: Iterable<readonly [string, V]>): Record<string, V[]> {
  const values = new Map<string, V[]>();
  for (const [name, value] of pairs) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return Object.fromEntries(values);
}

/** Go's `multipart.Form`, as RudderStack's gateway serializes it. */
function ofMultipart(parts: readonly MultipartPart[]): JsonObject {
  const texts = parts.flatMap((part) => ('text' in part ? [[part.name, part.text] as const] : []));
  const files = parts.flatMap((part) =>
    'file' in part ? [[part.name, describe(part.file)] as const] : [],
  );
  return { Value: grouped(texts), File: grouped(files) };
}

function describe({ filename, headers, size }: MultipartFile): JsonObject {
  const lines = Object.entries(headers).map(([name, value]) => [canonicalName(name), [value]]);
  return {
    Filename: filename.slice(filename.lastIndexOf('/') + 1),
    Header: Object.fromEntries(lines) as JsonObject,
    Size: size,
  };
}

/** Writes a header's name as Go does: `Content-Type`. */
export function canonicalName(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => {
    return dash + letter.toUpperCase();
  });
}

function finished(value: JsonValue): JsonValue {
  checkLimits(value, LIMITS);
  return withoutNuls(dropPrototypeKeys(value));
}

/** Recursion is safe: decoded values are at most `LIMITS.depth` levels deep. */
function withoutNuls(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.replaceAll('\0', '');
  if (Array.isArray(value)) return value.map(withoutNuls);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [
    name.replaceAll('\0', ''),
    withoutNuls(member),
  ]);
  return dropPrototypeKeys(Object.fromEntries(members) as JsonObject);
}

function answering(text: string, decode: () => JsonValue): JsonValue {
  try {
    return decode();
  } catch (error) {
    throw withText(error, text);
  }
}

/** Errors about our own limits keep their text, because RudderStack has no such limits. */
function withText(error: unknown, text: string): unknown {
  const isBodys = error instanceof TrackbridgeError && error.code === 'BODY_MALFORMED';
  return isBodys ? new TrackbridgeError('BODY_MALFORMED', text, { cause: error }) : error;
}
