/**
 * Paths of values that get one JSON column instead of a column per leaf, as RudderStack's `jsonPaths` says: from the
 * event's type (`track.properties.cart`), or from `properties` for tracks alone (`cart`). A key is the path joined by
 * `_`, and its value the number of dots, which tells `a_b` from `a.b`.
 */
export interface JsonPaths {
  readonly whole: ReadonlyMap<string, number>;
  readonly ofTracks: ReadonlyMap<string, number>;
}

const TYPES = ['track.', 'identify.', 'page.', 'screen.', 'alias.', 'group.'];

export function jsonPathsOf(paths: readonly string[]): JsonPaths {
  const whole = new Map<string, number>();
  const ofTracks = new Map<string, number>();
  for (const path of paths.map((each) => each.trim()).filter((each) => each !== '')) {
    const steps = path.split('.');
    const isWhole = TYPES.some((type) => path.startsWith(type));
    (isWhole ? whole : ofTracks).set(steps.join('_'), steps.length - 1);
  }
  return { whole, ofTracks };
}

/** Where in an event a value is. */
export interface Place {
  /** Its path from the event's type, joined by `_`, and the number of dots in it. */
  readonly whole: string;
  readonly wholeDepth: number;
  /** Its path for a column, joined by `_`, and the number of objects above it. */
  readonly path: string;
  readonly depth: number;
}

/** Whether the value there gets one JSON column. */
export function isJson({ ofTracks, whole }: JsonPaths, place: Place, type: string): boolean {
  if (whole.get(place.whole) === place.wholeDepth) return true;
  return type === 'track' && ofTracks.get(place.path) === place.depth;
}
