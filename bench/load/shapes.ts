/** What the load sends. One request has one event unless it has a batch. */
export interface Shape {
  readonly name: string;
  /** Bytes of one event as JSON. */
  readonly bytes: number;
  /** The number of events in the JSON array; absent, the body is one object. */
  readonly batch?: number;
  readonly gzip?: true;
  readonly unsigned?: true;
  /** The number of parameters of a GET request without a body, as RudderStack's webhook destination sends it. */
  readonly parameters?: number;
  /** A run sends the number of requests divided by this: large requests take as long in smaller numbers. */
  readonly weight: number;
}

/** The delivery that most rows measure. */
export const SINGLE: Shape = { name: 'one event of 1.2 kB', bytes: 1_200, weight: 1 };

export const SHAPES: readonly Shape[] = [
  SINGLE,
  { name: 'one event of 1.2 kB, unsigned', bytes: 1_200, unsigned: true, weight: 1 },
  { name: 'one event of 200 B', bytes: 200, weight: 1 },
  { name: 'one event of 100 kB', bytes: 100_000, weight: 12 },
  { name: 'one event of 1 MB', bytes: 1_000_000, weight: 60 },
  { name: 'a batch of 1', bytes: 1_200, batch: 1, weight: 1 },
  { name: 'a batch of 100', bytes: 1_200, batch: 100, weight: 30 },
  { name: 'a batch of 4,000 of 200 B', bytes: 200, batch: 4_000, weight: 300 },
  { name: 'one event of 1.2 kB, gzip', bytes: 1_200, gzip: true, weight: 1 },
  { name: 'GET with 40 parameters', bytes: 0, parameters: 40, weight: 1 },
];

/** The number of events in one request. */
export function eventsIn(shape: Shape): number {
  return shape.batch ?? 1;
}
