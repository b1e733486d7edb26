import { canonicalHeaderName } from './go.js';
import type { HeaderLine } from './wire-request.js';

// net/http writes these itself and leaves what anybody set out of the request.
const GOS_OWN: ReadonlySet<string> = new Set([
  'Host',
  'User-Agent',
  'Content-Length',
  'Transfer-Encoding',
  'Trailer',
]);

/**
 * The header lines of RudderStack's router (rudder-server, router/network.go) as Go writes them: its own first, the others
 * sorted by canonical name. Of names that differ in case only all lines are sent, in random order there and in the order
 * given here. `User-Agent` is added last, and Go sends the first one. POST, PUT and PATCH have a length without a body too.
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

/** RudderStack signs nothing: a shared secret is one more static header, and a header of that name wins over it. */
export function staticHeaders(
  headers: readonly HeaderLine[],
  secret: string | undefined,
): HeaderLine[] {
  const has = headers.some(([name]) => name.toLowerCase() === 'x-signature');
  return secret === undefined || has ? [...headers] : [...headers, ['X-Signature', secret]];
}

/** Without spaces and tabs at its ends. A pattern for the end would go over every run of them again and again. */
function trimmed(value: string): string {
  let [start, end] = [0, value.length];
  while (start < end && isBlank(value[start])) start++;
  while (end > start && isBlank(value[end - 1])) end--;
  return value.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
