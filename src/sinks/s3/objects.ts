import { createHash } from 'node:crypto';
import { jsonLine } from '../../core/printable.js';
import { formatTimestamp, readTimestamp } from '../../event/timestamp/timestamp.js';
import { halved } from '../kit/in-order.js';
import { inSlices } from '../kit/slices.js';
import type { SinkEvent } from '../sink.js';

/** Events of one hour that go into one object, and their positions in the batch. */
export interface S3Group {
  /** `dt=2026-11-21/hour=04`. */
  readonly partition: string;
  /** When the first of them was received, such as `20261121T040506789Z`. Objects of a partition sort by it. */
  readonly since: string;
  readonly events: readonly { readonly index: number; readonly event: SinkEvent }[];
}

/** An object to store, before compression. */
export interface S3Object {
  readonly key: string;
  /** NDJSON. */
  readonly content: Buffer;
}

/** Splits a batch by the hour (UTC) in which its events were received, in order. */
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

/** Splits a group of at least two into halves, each named by its own first event. */
export function halvesOf({ partition, events }: S3Group): readonly [S3Group, S3Group] {
  const half = (part: S3Group['events']): S3Group => {
    const [first] = part;
    return { partition, since: first ? compact(arrivalOf(first.event)) : '', events: part };
  };
  const [former, latter] = halved(events);
  return [half(former), half(latter)];
}

/**
 * Returns the object of a group. Its name depends only on its content, so that the same events are the same object
 * however often they are stored. `prefix` is empty or ends with a slash.
 */
export async function objectOf(group: S3Group, prefix: string): Promise<S3Object> {
  const hash = createHash('sha256');
  const parts: Buffer[] = [];
  await inSlices(group.events, (slice) => {
    const lines = Buffer.from(slice.map(({ event }) => `${jsonLine(event.json)}\n`).join(''));
    hash.update(lines);
    parts.push(lines);
  });
  const name = `${group.since}-${hash.digest('hex').slice(0, 32)}.ndjson.gz`;
  return { key: `${prefix}${group.partition}/${name}`, content: Buffer.concat(parts) };
}

/**
 * Returns when an event was received, RFC 3339 in UTC. It is read from the receipt, because `receivedAt` may be the
 * sender's value, and senders must not choose where events are stored. A transform may have removed both.
 */
function arrivalOf({ event }: SinkEvent): string {
  for (const text of [event.receipt.receivedAt, event.receivedAt]) {
    const time = readTimestamp(String(text));
    if (time !== undefined && time >= 0) return formatTimestamp(time);
  }
  return formatTimestamp(0);
}

function compact(time: string): string {
  return time.replace(/[-:.]/g, '');
}
