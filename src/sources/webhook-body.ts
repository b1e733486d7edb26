import { formFields } from '../decode/form.js';
import { parseJson } from '../decode/json.js';
import { LIMITS } from '../decode/limits.js';
import type { Multipart, MultipartFile, MultipartReader } from '../decode/multipart.js';
import { checkLimits, dropPrototypeKeys } from '../decode/sanitize.js';
import { decodeText } from '../decode/text.js';
import { TrackbridgeError } from '../errors.js';
import type { JsonObject, JsonValue } from '../event/event.js';
import { TEXTS } from './rudderstack-answers.js';
import type { Delivery } from './source.js';

/**
 * The value of a webhook's body, by its label as in RudderStack's gateway: of a form every value is an array of texts, of a
 * multipart body fields and files are apart, everything else is JSON, and no body is `{}`. Characters of code 0 are taken
 * out. Throws BODY_MALFORMED with the gateway's text, LIMIT_EXCEEDED, and what `readMultipart` rejects with.
 */
export function decodeWebhook(
  delivery: Delivery,
  readMultipart: MultipartReader,
): JsonValue | Promise<JsonValue> {
  const { body, headers } = delivery;
  const contentType = headers.first('content-type') ?? '';
  const label = contentType.toLowerCase();
  if (label.includes('multipart/form-data')) {
    return readMultipart(body, contentType).then(
      (parts) => finished(ofMultipart(parts)),
      (error: unknown) => {
        throw withText(error, TEXTS.webhookMultipart);
      },
    );
  }
  if (body.length === 0) return {};
  if (label.includes('application/x-www-form-urlencoded')) {
    return answering(TEXTS.webhookForm, () =>
      finished(grouped(formFields(decodeText(body, contentType).trim(), LIMITS))),
    );
  }
  return answering(TEXTS.webhookJson, () => {
    // RudderStack takes them out before it parses, so that one between two tokens does no harm.
    const text = decodeText(body, contentType).replaceAll('\0', '');
    const value = parseJson(text, LIMITS);
    return text.includes('\\u0000') ? withoutNuls(value) : value;
  });
}

/** The parameters of a query but its write key; one given several times has all its values. Throws LIMIT_EXCEEDED. */
export function parametersOf(query: string): JsonObject {
  const parameters = new URLSearchParams(query);
  parameters.delete('writeKey');
  const members = Object.entries(grouped(parameters)).map(([name, values]) => [
    name,
    unwrapped(values),
  ]);
  return finished(Object.fromEntries(members) as JsonObject) as JsonObject;
}

/** What RudderStack does to lists of one. */
export function unwrapped(values: readonly string[]): string | string[] {
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : [...values];
}

function grouped(pairs: Iterable<readonly [string, string]>): Record<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, text] of pairs) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [text]);
    else known.push(text);
  }
  return Object.fromEntries(values);
}

/** Go's `multipart.Form`, as RudderStack's gateway serialises it. */
function ofMultipart({ fields, files }: Multipart): JsonObject {
  const texts = Object.entries(fields).map(([name, value]) => [name, [value].flat()]);
  const listed = new Map<string, JsonObject[]>();
  for (const file of files) {
    listed.set(file.name, [...(listed.get(file.name) ?? []), describe(file)]);
  }
  return { Value: Object.fromEntries(texts) as JsonObject, File: Object.fromEntries(listed) };
}

function describe({ filename, headers, size }: MultipartFile): JsonObject {
  const lines = Object.entries(headers).map(([name, value]) => [canonicalName(name), [value]]);
  return {
    Filename: filename.slice(filename.lastIndexOf('/') + 1),
    Header: Object.fromEntries(lines) as JsonObject,
    Size: size,
  };
}

/** A header's name as Go writes it: `Content-Type`. */
export function canonicalName(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => {
    return dash + letter.toUpperCase();
  });
}

function finished(value: JsonValue): JsonValue {
  checkLimits(value, LIMITS);
  return withoutNuls(dropPrototypeKeys(value));
}

/** Recursion is safe: what is decoded is nested to `LIMITS.depth` at most. */
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

/** Limits of ours have words of their own; RudderStack has none of them. */
function withText(error: unknown, text: string): unknown {
  const isBodys = error instanceof TrackbridgeError && error.code === 'BODY_MALFORMED';
  return isBodys ? new TrackbridgeError('BODY_MALFORMED', text, { cause: error }) : error;
}
