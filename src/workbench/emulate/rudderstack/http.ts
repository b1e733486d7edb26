import { XMLBuilder } from 'fast-xml-parser';
import { isObject, type JsonObject, type JsonValue } from '../../../core/json.js';
import { encodeValues, goJson, goPath } from '../go.js';
import { type Destination, type HeaderLine, splitUrl, type WireRequest } from '../wire-request.js';
import { routerHeaders, staticHeaders } from './headers.js';

export type HttpFormat = 'json' | 'form' | 'xml';

const CONTENT_TYPES: Readonly<Record<HttpFormat, string>> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'application/xml',
};

/**
 * RudderStack's HTTP destination with its default mapping (rudder-transformer, src/cdk/v2/destinations/http): the whole
 * event without nulls, with every method, including GET. Batches are JSON only, and an array even for one event.
 */
export function encodeHttp(
  events: readonly JsonObject[],
  destination: Destination,
  format: HttpFormat,
  isBatch: boolean,
): WireRequest {
  const endpoint = withPathParams(events[0] ?? {}, destination);
  const { origin, host, url } = splitUrl(endpoint);
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
    requestUri: goPath(endpoint) + (query === '' ? '' : `?${query}`),
    headers: routerHeaders(destination.method, host, headers, body),
    body,
  };
}

/**
 * Returns the URL with a path segment for each parameter. A query or fragment stays before them, because the
 * transformer joins texts; double slashes become one. Throws a TypeError for values that the transformer rejects.
 */
function withPathParams(event: JsonObject, { url, pathParams = [] }: Destination): string {
  const segments = pathParams.map((param) => `/${encodeURIComponent(pathValue(event, param))}`);
  if (segments.length === 0) return url;
  return `${url}${segments.join('')}`.replace(/([^:]\/)\/+/g, '$1');
}

function pathValue(event: JsonObject, param: string): string {
  if (param.includes('/')) throw new TypeError('a path parameter cannot contain "/"');
  if (!param.startsWith('$')) return param;
  const found = param
    .split('.')
    .slice(1)
    .reduce<JsonValue | undefined>(
      (value, name) => (isObject(value) ? value[name] : undefined),
      event,
    );
  if (found === undefined) throw new TypeError(`the event has no ${param}`);
  return String(found);
}

function bodyOf(payload: JsonObject, format: HttpFormat): string {
  if (Object.keys(payload).length === 0) return '';
  if (format === 'json') return goJson(payload);
  return format === 'form' ? formOf(payload) : xmlOf(payload);
}

/** Only the first level of a form's values is text; the rest is JSON. */
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

/** The vendor turns an array's nulls into holes, which XML omits and JSON writes as null. */
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

/** Nulls are removed at every level, except in arrays, where positions count. */
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
