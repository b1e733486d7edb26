/** Path segments that both vendors' libraries use. */
const WORDS = [
  ...['v1', 'batch', 'import', 'webhook', 'pixel', 'beacon', 'token', 'livez', 'readyz'],
  ...['identify', 'track', 'page', 'screen', 'group', 'alias', 'segment', 'rudderstack'],
];

/** The maximum number of segments that are logged. Further ones add no information. */
const MOST_STEPS = 8;

/**
 * Returns a path that is safe to log. Segments of the sources' paths and of the vendors' libraries are kept; all others
 * become `***`. Someone may have pasted a secret into the URL, and any segment may hold it.
 */
export function familiarPath(path: string, sourcePaths: readonly string[]): string {
  const words = new Set([...WORDS, ...sourcePaths.flatMap((each) => each.split('/'))]);
  const steps = path.split('/', MOST_STEPS + 1);
  const shown = steps.map((step) => (step === '' || words.has(step) ? step : '***'));
  return shown.length > MOST_STEPS ? `${shown.slice(0, MOST_STEPS).join('/')}/…` : shown.join('/');
}
