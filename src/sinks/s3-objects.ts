import { createHash } from 'node:crypto';
import { oneLine } from './printable.js';
import type { SinkEvent } from './sink.js';
import { inSlices } from './slices.js';

/** Events of one hour that go into one object, and where each stood in its batch. */
export interface S3Group {
  /** `dt=2026-11-21/hour=04`. */
  readonly partition: string;
  /** When the first of them arrived, such as `20261121T040506789Z`: objects of a partition sort by it. */
  readonly since: string;
  readonly events: readonly { readonly index: number; readonly event: SinkEvent }[];
}

/** An object as it is stored, but for its compression. */
export interface S3Object {
  readonly key: string;
  /** NDJSON. */
  readonly content: Buffer;
}

/** Splits a batch by the hour (UTC) in which its events arrived; order is kept. */
export async function groupByHour(batch: readonly SinkEvent[]): Promise<S3Group[]> {
  const groups = new Map<string, S3Group & { events: { index: number; event: SinkEvent }[] }>();
  await inSlices(batch, (slice, from) => {
    for (const [at, event] of slice.entries()) {
      const arrived = arrivalOf(event);
      const partition = `dt=${arrived.slice(0, 10)}/hour=${arrived.slice(11, 13)}`;
      const group = groups.get(partition) ?? { partition, since: compact(arrived), events: [] };
      if (group.events.push({ index: from + at, event }) === 1) groups.set(partition, group);
    }
  });
  return [...groups.values()];
}

/** The same as two, each named by its own first event; for a group of at least two. */
export function halvesOf({ partition, events }: S3Group): readonly [S3Group, S3Group] {
  const middle = Math.ceil(events.length / 2);
  const half = (part: S3Group['events']): S3Group => {
    const [first] = part;
    return { partition, since: first ? compact(arrivalOf(first.event)) : '', events: part };
  };
  return [half(events.slice(0, middle)), half(events.slice(middle))];
}

/**
 * The object of a group: its name is made from its content alone, so that the same events are the same object however often
 * they are stored. `prefix` is empty or ends with a slash.
 */
export async function objectOf(group: S3Group, prefix: string): Promise<S3Object> {
  const hash = createHash('sha256');
  const parts: Buffer[] = [];
  await inSlices(group.events, (slice) => {
    const lines = Buffer.from(slice.map(({ event }) => `${oneLine(event.json)}\n`).join(''));
    hash.update(lines);
    parts.push(lines);
  });
  const name = `${group.since}-${hash.digest('hex').slice(0, 32)}.ndjson.gz`;
  return { key: `${prefix}${group.partition}/${name}`, content: Buffer.concat(parts) };
}

/**
 * When an event arrived, RFC 3339 in UTC. From the receipt, since what stands in `receivedAt` may be the sender's word, and
 * nobody else should choose where their events are stored. A transform may have taken both out.
 */
function arrivalOf({ event }: SinkEvent): string {
  for (const text of [event.receipt.receivedAt, event.receivedAt]) {
    const time = Date.parse(text);
    if (time >= 0 && time < BEYOND) return new Date(time).toISOString();
  }
  return new Date(0).toISOString();
}

/** From then on years have five digits. */
const BEYOND = Date.UTC(10_000, 0);

function compact(time: string): string {
  return time.replace(/[-:.]/g, '');
}
