import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import { objectOf } from './event.js';

/**
 * Returns the canonical `context`: an object, without the write key, and with `ip` taken from `request_ip` if missing.
 * A value of another type is returned unchanged, for the schema to reject. Never mutates its input.
 *
 * RudderStack copies `request_ip` into `context.ip` with its port, but only in deliveries with a body. Without the
 * port, the same event has the same `ip` however it was delivered.
 */
export function canonicalContext(
  context: JsonValue | undefined,
  requestIp: JsonValue | undefined,
): JsonValue {
  const given = objectOf(context ?? {});
  if (!isObject(given)) return given;
  const kept = withoutWriteKey(given);

  if (typeof requestIp !== 'string') return kept;
  const ip = given['ip'];
  const missing = ip === undefined || ip === null || ip === '';
  if (!missing && ip !== requestIp) return kept;
  const address = withoutPort(requestIp);
  return address === '' || address === ip ? kept : { ...kept, ip: address };
}

/** Returns the address of `1.2.3.4:5678`, `[::1]:57363`, `[::1]` or `host:80`. A bare IPv6 address has no port. */
export function withoutPort(text: string): string {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    return end === -1 ? text : text.slice(1, end);
  }
  const colon = text.indexOf(':');
  // In a bare IPv6 address more than digits follow the first colon.
  return colon !== -1 && /^\d{1,5}$/.test(text.slice(colon + 1)) ? text.slice(0, colon) : text;
}

/**
 * RudderStack's webhook sources can record the request in `context`. Its URL and query (`url`, `query_parameters`) then
 * hold the write key.
 */
function withoutWriteKey(context: JsonObject): JsonObject {
  let kept = context;
  if ('writeKey' in kept) {
    const { writeKey: _, ...rest } = kept;
    kept = rest;
  }
  const query = kept['query_parameters'];
  if (isObject(query) && 'writeKey' in query) {
    const { writeKey: _, ...rest } = query;
    kept = { ...kept, query_parameters: rest };
  }
  const url = kept['url'];
  if (typeof url === 'string' && url.includes('writeKey=')) {
    kept = { ...kept, url: maskWriteKey(url) };
  }
  return kept;
}

/** Masks the value of every `writeKey` in the query of a URL as `***`. */
export function maskWriteKey(url: string): string {
  return url.replace(/([?&]writeKey=)[^&#]*/g, '$1***');
}
