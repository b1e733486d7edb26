import { maskWriteKey } from '../event/context.js';
import type { JsonObject } from '../event/event.js';
import type { Delivery } from './source.js';
import { canonicalName, parametersOf, unwrapped } from './webhook-body.js';

const MASK = '***';

/** Headers that are credentials as a whole. `Host` is not among a request's headers in Go, and so not in RudderStack's. */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

/**
 * The request as RudderStack's webhook sources can put it into `context`: method, URL, protocol, headers and query, lists
 * of one unwrapped. RudderStack leaves the write key in it; here `key` is masked wherever it is, and so are credentials of
 * others. `path` is the source's own.
 */
export function requestDetails(
  delivery: Delivery,
  path: string,
  key: Buffer | undefined,
): JsonObject {
  const { method, query, below, headers, httpVersion } = delivery;
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
    url: conceal(`${path === '/' ? '' : path}/${below}${urlQuery(query)}`),
    proto: `HTTP/${httpVersion}`,
    headers: Object.fromEntries(lines) as JsonObject,
    query_parameters: parametersOf(query),
  };
}

/** A name may be percent-encoded, so that only reading it tells which one it is. */
function urlQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair) => {
    const isKey = new URLSearchParams(pair).has('writeKey');
    return isKey ? `writeKey=${MASK}` : pair;
  });
  return `?${pairs.join('&')}`;
}

/** Also where the key stands alone, as in a header of a proxy. */
function concealing(key: Buffer | undefined): (text: string) => string {
  const plain = key?.toString('utf8') ?? '';
  if (plain === '') return maskWriteKey;
  return (text) => maskWriteKey(text).replaceAll(plain, MASK);
}
