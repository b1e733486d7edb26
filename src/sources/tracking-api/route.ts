/** The purpose of a path of a tracking API. */
export type TrackingRoute =
  /** One event of this type. */
  | { readonly kind: 'event'; readonly type: string }
  | { readonly kind: 'batch' }
  /** RudderStack's import: a batch that may be empty. */
  | { readonly kind: 'import' }
  /** A batch that a page sends while it closes. A beacon cannot set headers, so its write key is in the query. */
  | { readonly kind: 'beacon' }
  /** The source's own path: a health page on GET; on POST an event with its type, or a batch. */
  | { readonly kind: 'root' }
  /** One event in the query, answered with an image. */
  | { readonly kind: 'pixel'; readonly type: string }
  /** The metrics that the browser SDK reports to its vendor. */
  | { readonly kind: 'telemetry' }
  /** The settings that Segment's browser SDK fetches for its write key. */
  | { readonly kind: 'settings'; readonly key: string }
  /** The source configuration that RudderStack's SDKs fetch. */
  | { readonly kind: 'sourceConfig' }
  /** The endpoint that issues OAuth access tokens. */
  | { readonly kind: 'token' }
  | { readonly kind: 'page'; readonly page: 'health' | 'version' | 'robots' };

const TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias'];

const BATCH: TrackingRoute = { kind: 'batch' };

/**
 * Every route by its subpath. Segment's browser SDK shortens a type to its first letter; `b` and, for Segment, `import`
 * are aliases of `batch`. Routes of one vendor are harmless in the other's dialect.
 */
const ROUTES: ReadonlyMap<string, TrackingRoute> = new Map<string, TrackingRoute>([
  ...[...TYPES, 'merge', 'audiencelist'].map(
    (type) => [`v1/${type}`, { kind: 'event', type }] as const,
  ),
  ...['identify', 'track', 'page', 'screen', 'group', 'alias'].flatMap((type) =>
    // `page` and `screen` begin with different letters than `pixel` here: p and s.
    [[`v1/${type.charAt(0)}`, { kind: 'event', type }] as const],
  ),
  ['v1/batch', BATCH],
  ['v1/b', BATCH],
  ['v1/import', { kind: 'import' }],
  ['v1/m', { kind: 'telemetry' }],
  ['beacon/v1/batch', { kind: 'beacon' }],
  ...TYPES.map((type) => [`v1/pixel/${type}`, { kind: 'pixel', type }] as const),
  ...['track', 'page'].map((type) => [`pixel/v1/${type}`, { kind: 'pixel', type }] as const),
  ['sourceConfig', { kind: 'sourceConfig' }],
  ['token', { kind: 'token' }],
  ['', { kind: 'root' }],
  ['health', { kind: 'page', page: 'health' }],
  ['version', { kind: 'page', page: 'version' }],
  ['robots.txt', { kind: 'page', page: 'robots' }],
]);

/**
 * Returns a pattern for all subpaths of a tracking API, including unknown ones, which the API answers itself.
 * `withToken`: whether it issues access tokens.
 */
export function trackingPaths(withToken: boolean): string {
  const token = withToken ? '|token/*' : '';
  return `(?:/*|/+(?:v1/(?!webhook/*$).*|pixel/v1/.*|beacon/v1/.*|health|version|robots\\.txt|sourceConfig/*${token}))`;
}

/**
 * Returns the route of a subpath, or undefined if there is none. Extra slashes at the end or the start are ignored.
 * Some libraries add one at the start without checking whether the configured address already ends in a slash.
 */
export function trackingRouteOf(subpath: string): TrackingRoute | undefined {
  // A pattern such as `/+$` takes time in proportion to the square of the slashes that another character follows.
  let end = subpath.length;
  while (end > 0 && subpath[end - 1] === '/') end--;
  const path = subpath.slice(0, end).replace(/^\/+/, '');
  return ROUTES.get(path) ?? settingsRouteOf(path);
}

function settingsRouteOf(path: string): TrackingRoute | undefined {
  const key = /^v1\/projects\/([^/]+)\/settings$/.exec(path)?.[1];
  if (key === undefined) return undefined;
  try {
    return { kind: 'settings', key: decodeURIComponent(key) };
  } catch {
    // It is not percent-encoded UTF-8, so it is not a listed key.
    return undefined;
  }
}

/** Returns the methods that a route accepts. */
export function methodsOf(route: TrackingRoute | undefined): readonly string[] {
  if (route === undefined) return EVERY;
  if (route.kind === 'root') return [...GET, ...POST];
  return READ.has(route.kind) ? GET : POST;
}

const READ: ReadonlySet<TrackingRoute['kind']> = new Set([
  ...(['pixel', 'page', 'settings', 'sourceConfig'] as const),
]);
const POST = ['POST'];
const GET = ['GET', 'HEAD'];
/** An unknown path is answered 404 for every method, not 405. */
const EVERY = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
