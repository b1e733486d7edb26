import { XMLBuilder } from 'fast-xml-parser';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { encodeValues, goJson, goPath } from './go.js';
import { routerHeaders, staticHeaders } from './rudderstack-headers.js';
import { type Destination, type HeaderLine, splitUrl, type WireRequest } from './wire-request.js';

export type HttpFormat = 'json' | 'form' | 'xml';

const CONTENT_TYPES: Readonly<Record<HttpFormat, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'application/xml',
};

/**
 * RudderStack's HTTP destination with its default mapping (rudder-transformer, src/cdk/v2/destinations/http): the whole
 * event without nulls, with every method, GET included. Batches are JSON only, and an array also for one event.
 */
export function encodeHttp(
  events: readonly JsonObject[],
  destination: Destination,
  format: HttpFormat,
  isBatch: boolean,
): WireRequest {
  const { origin, host, url } = splitUrl(destination.url);
  const payloads = events.map(withoutNulls);
  const body = isBatch
    ? JSON.stringify(payloads.filter((payload) => Object.keys(payload).length > 0))
    : bodyOf(payloads[0] ?? {}, format);
  const headers: HeaderLine[] = [
    ...staticHeaders(destination.headers, destination.secret),
    ['Content-Type', CONTENT_TYPES[format]],
  ];
  const query = encodeValues([...url.searchParams]);
  return {
    method: destination.method,
    origin,
    requestUri: goPath(destination.url) + (query === '' ? '' : `?${query}`),
    headers: routerHeaders(destination.method, host, headers, body),
    body,
  };
}

function bodyOf(payload: JsonObject, format: HttpFormat): string {
  if (Object.keys(payload).length === 0) return '';
  if (format === 'json') return goJson(payload);
  return format === 'form' ? formOf(payload) : xmlOf(payload);
}

/** Of a form's values only the first level is text; the rest is JSON. */
function formOf(payload: JsonObject): string {
  return encodeValues(
    Object.entries(payload).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

function xmlOf(payload: JsonObject): string {
  const builder = new XMLBuilder({ ignoreAttributes: false, suppressEmptyNode: true });
  const root = builder.build({ root: withXmlNames(payload) });
  return `<?xml version="1.0" encoding="UTF-8"?>${root}`;
}

/** Of an array's nulls the vendor leaves holes, of which XML has nothing and JSON null. */
function withXmlNames(value: JsonValue): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => (item === null ? undefined : withXmlNames(item)));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replace(/[^\w.-]/g, '_').replace(/^[^A-Z_a-z]/, '_'),
      withXmlNames(member),
    ]),
  );
}

/** Nulls go at every level; within an array they stay, since its places are counted. */
function withoutNulls(object: JsonObject): JsonObject {
  const clean = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(clean);
    return isObject(value) ? withoutNulls(value) : value;
  };
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, clean(value)]),
  );
}
