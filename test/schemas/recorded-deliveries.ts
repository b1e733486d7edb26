import { readFileSync } from 'node:fs';

/** A request that a vendor or an SDK has really sent, at the paths of the default configuration. */
export interface RecordedDelivery {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** SDKs shorten a type to its first letter, and `b` and `import` are batches: the same channels under other names. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  ...['identify', 'track', 'page', 'screen', 'group', 'alias', 'batch'].map(
    (name) => [new RegExp(`^/v1/${name.charAt(0)}$`), `/v1/${name}`] as const,
  ),
  [/^\/v1\/import$/, '/v1/batch'],
];

function fixture<T>(name: string): readonly T[] {
  const text = readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { cases: T[] }).cases;
}

function recorded(
  name: string,
  method: string,
  uri: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): RecordedDelivery {
  const { pathname, search } = new URL(uri, 'http://receiver.example');
  const alias = ALIASES.find(([pattern]) => pattern.test(pathname))?.[1];
  const lower = Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]);
  return {
    name,
    method,
    path: alias ?? pathname,
    query: search.slice(1),
    headers: Object.fromEntries(lower),
    body,
  };
}

interface SegmentCase {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly verdict: string;
}
interface WireCase {
  readonly name: string;
  readonly destinationConfig: { readonly webhookUrl: string };
  readonly delivery: {
    readonly method: string;
    readonly requestUri: string;
    readonly rawHeaders: readonly (readonly [string, string])[];
    readonly body: string;
  };
}
interface GatewayCase {
  readonly id: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  readonly response: { readonly status: number };
}
interface SdkCase {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What Segment's webhook destinations signed. */
export const segmentDeliveries = fixture<SegmentCase>('segment-signatures.json')
  .filter(({ verdict }) => verdict === 'valid')
  .map(({ name, headers, body }) => recorded(name, 'POST', '/segment', headers, body));

/** What RudderStack's webhook destination sends, whose URL ends in `/hook` there. */
export const rudderstackDeliveries = fixture<WireCase>('rudderstack-wire.json').map(
  ({ name, delivery: { method, requestUri, rawHeaders, body } }) =>
    recorded(
      name,
      method,
      requestUri.replace(/^\/[^/?]*/, '/rudderstack'),
      Object.fromEntries(rawHeaders),
      body,
    ),
);

/** What RudderStack's gateway answers 200, and the pages that are no deliveries left out. */
export const gatewayDeliveries = fixture<GatewayCase>('rudderstack-gateway.json')
  .filter(({ request, response }) => {
    return response.status === 200 && /^\/(v1|pixel|beacon)\//.test(request.path);
  })
  .filter(({ request }) => request.method === 'GET' || request.body !== undefined)
  .map(({ id, request }) =>
    recorded(id, request.method, request.path, request.headers ?? {}, request.body ?? ''),
  );

/** What real SDKs sent. */
export const sdkDeliveries = fixture<SdkCase>('sdk-requests.json').map(
  ({ name, method, path, headers, body }, at) =>
    recorded(`${name} (${at})`, method, path, headers, body),
);
