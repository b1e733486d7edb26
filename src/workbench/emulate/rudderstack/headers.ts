import { canonicalHeaderName } from '../go.js';
import type { HeaderLine } from '../wire-request.js';

// net/http writes these itself and omits configured ones.
const GOS_OWN: ReadonlySet<string> = new Set([
  'Host',
  'User-Agent',
  'Content-Length',
  'Transfer-Encoding',
  'Trailer',
]);

/**
 * Returns the header lines of RudderStack's router (rudder-server, router/network.go) as Go writes them: its own first,
 * the others sorted by canonical name. Of names that differ only in case all lines are sent, in random order there and
 * in the given order here. `User-Agent` is added last, and Go sends the first one. POST, PUT and PATCH have a length
 * even without a body.
 */
export function routerHeaders(
  method: string,
  host: string,
  lines: readonly HeaderLine[],
  body: string,
): HeaderLine[] {
  const canonical = lines.map(
    ([name, value]): HeaderLine => [canonicalHeaderName(name), trimmed(value)],
  );
  const agent = canonical.find(([name]) => name === 'User-Agent')?.[1] ?? 'RudderLabs';
  const others = canonical
    .filter(([name]) => !GOS_OWN.has(name))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return [
    ['Host', host],
    ...(agent === '' ? [] : [['User-Agent', agent] satisfies HeaderLine]),
    ...(body === '' && (method === 'GET' || method === 'DELETE')
      ? []
      : [['Content-Length', String(Buffer.byteLength(body))] satisfies HeaderLine]),
    ...others,
    ...(others.some(([name]) => name === 'Accept-Encoding')
      ? []
      : [['Accept-Encoding', 'gzip'] satisfies HeaderLine]),
  ];
}

/**
 * RudderStack signs nothing. A shared secret is one more static header; an event's header of the same name overrides
 * it.
 */
export function staticHeaders(
  headers: readonly HeaderLine[],
  secret: string | undefined,
): HeaderLine[] {
  const has = headers.some(([name]) => name.toLowerCase() === 'x-signature');
  return secret === undefined || has ? [...headers] : [...headers, ['X-Signature', secret]];
}

/** Removes spaces and tabs at both ends. A pattern for the end would rescan every run of them. */
function trimmed(value: string): string {
  let [start, end] = [0, value.length];
  while (start < end && isBlank(value[start])) start++;
  while (end > start && isBlank(value[end - 1])) end--;
  return value.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
