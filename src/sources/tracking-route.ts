/** What a path of a tracking API is for. */
export type TrackingRoute =
  /** One event of this type. */
  | { readonly kind: 'event'; readonly type: string }
  | { readonly kind: 'batch' }
  /** RudderStack's: a batch like any other, but that it may be empty. */
  | { readonly kind: 'import' }
  /** A batch that a page sends while it closes; it can set no header, so that its key is in the query. */
  | { readonly kind: 'beacon' }
  /** One event in a query, answered with an image. */
  | { readonly kind: 'pixel'; readonly type: string }
  /** What the browser SDK tells its vendor about itself. */
  | { readonly kind: 'telemetry' }
  /** Where Segment's browser SDK looks up what its write key stands for. */
  | { readonly kind: 'settings'; readonly key: string }
  /** Where RudderStack's SDKs do. */
  | { readonly kind: 'sourceConfig' }
  /** Where clients with OAuth get their access tokens. */
  | { readonly kind: 'token' }
  | { readonly kind: 'page'; readonly page: 'health' | 'version' | 'robots' };

const TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias'];

const BATCH: TrackingRoute = { kind: 'batch' };

/**
 * Every path, by what stands below the source's own. Segment's browser SDK shortens a type to its first letter; `b` and, for
 * Segment, `import` are other names of `batch`. What only one vendor has does no harm with the other.
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
  ['', { kind: 'page', page: 'health' }],
  ['health', { kind: 'page', page: 'health' }],
  ['version', { kind: 'page', page: 'version' }],
  ['robots.txt', { kind: 'page', page: 'robots' }],
]);

/**
 * Matches all paths of a tracking API below a source's own, also such as it has not, to answer them as it would. `withToken`:
 * whether it gives access tokens.
 */
export function trackingPaths(withToken: boolean): string {
  const token = withToken ? '|token/?' : '';
  return `(?:/?|//?(?:v1/(?!webhook/?$).*|pixel/v1/.*|beacon/v1/.*|health|version|robots\\.txt|sourceConfig/?${token}))`;
}

/**
 * What the path below a source's own is for; undefined where it is for nothing. A slash more at its end changes nothing, nor
 * at its start, where libraries have one that do not look whether the address that they are given ends in one.
 */
export function trackingRouteOf(below: string): TrackingRoute | undefined {
  const path = below.replace(/^\/|\/$/g, '');
  return ROUTES.get(path) ?? settingsRouteOf(path);
}

function settingsRouteOf(path: string): TrackingRoute | undefined {
  const key = /^v1\/projects\/([^/]+)\/settings$/.exec(path)?.[1];
  if (key === undefined) return undefined;
  try {
    return { kind: 'settings', key: decodeURIComponent(key) };
  } catch {
    // It is not percent-encoded UTF-8, and so no key of ours.
    return undefined;
  }
}

/** The methods that a route takes. */
export function methodsOf(route: TrackingRoute | undefined): readonly string[] {
  if (route === undefined) return EVERY;
  return READ.has(route.kind) ? GET : POST;
}

const READ: ReadonlySet<TrackingRoute['kind']> = new Set([
  ...(['pixel', 'page', 'settings', 'sourceConfig'] as const),
]);
const POST = ['POST'];
const GET = ['GET', 'HEAD'];
/** A path that is for nothing is refused as that, not for its method. */
const EVERY = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
