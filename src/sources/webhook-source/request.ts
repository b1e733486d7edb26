import type { JsonObject } from '../../core/json.js';
import { maskWriteKey } from '../../event/context.js';
import type { Delivery } from '../source.js';
import { canonicalName, parametersOf, unwrapped } from './body.js';

const MASK = '***';

/**
 * Headers that are masked entirely, because they are credentials. `Host` is omitted: Go does not list it among a
 * request's headers, so RudderStack lacks it too.
 */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

/**
 * Describes the request as RudderStack's webhook sources do in `context`: method, URL, protocol, headers and query,
 * with lists of one unwrapped. RudderStack includes the write key; here `key` is masked everywhere, and so are other
 * credentials. `path` is the source's own.
 */
export function requestDetails(
  delivery: Delivery,
  path: string,
  key: Buffer | undefined,
): JsonObject {
  const { method, query, subpath, headers, httpVersion } = delivery;
  const conceal = concealing(key);
  const lines = headers
    .names()
    .filter((name) => name !== 'host')
    .map((name) => [
      canonicalName(name),
      unwrapped(headers.all(name).map((value) => (SECRET.has(name) ? MASK : conceal(value)))),
    ]);
  return {
    method,
    url: conceal(`${path === '/' ? '' : path}/${subpath}${urlQuery(query)}`),
    proto: `HTTP/${httpVersion}`,
    headers: Object.fromEntries(lines) as JsonObject,
    query_parameters: parametersOf(query),
  };
}

/** A parameter's name may be percent-encoded, so each pair is decoded before its name is compared. */
function urlQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const isKey = new URLSearchParams(pair).has('writeKey');
    return isKey ? `writeKey=${MASK}` : pair;
  });
  return `?${pairs.join('&')}`;
}

/** Masks the key everywhere, including where it stands alone, as in a proxy's header. */
function concealing(key: Buffer | undefined): (text: string) => string {
  const plain = key?.toString('utf8') ?? '';
  if (plain === '') return maskWriteKey;
  return (text) => maskWriteKey(text).replaceAll(plain, MASK);
}
