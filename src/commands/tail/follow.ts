import type { Clock } from '../../core/clock.js';
import type {
  AttemptRecord,
  DeliveryRecord,
  DeliverySummary,
  LiveEvents,
} from '../../workbench/inspect/record.js';
import { type AdminClient, AdminRefusal } from '../admin-client.js';
import { serverEvents } from '../server-events.js';

export type Attempted = AttemptRecord & { readonly deliveryId: string };

export interface Following {
  readonly client: AdminClient;
  /** The API's filters `source`, `outcome`, `type` and `text`. */
  readonly filters: Readonly<Record<string, string>>;
  /** Complete records instead of summaries. */
  readonly records: boolean;
  /** The number of earlier deliveries to show first. */
  readonly last: number;
  readonly clock: Clock;
  /** Aborting it ends the stream. */
  readonly signal: AbortSignal;
  onHello(hello: LiveEvents['hello']): void;
  onDelivery(delivery: DeliverySummary | DeliveryRecord): Promise<void>;
  onAttempt(attempt: Attempted): Promise<void>;
  /** Tells people that the receiver is unreachable, or reachable again. */
  onNotice(text: string): void;
}

/** Milliseconds before reconnecting to an unreachable receiver: the first wait, and the longest. */
const [SOONEST, LATEST] = [250, 5_000];
/** The most deliveries to look up that arrived while there was no connection. */
const CATCH_UP = 100;
/** The API's largest page. */
const PAGE = 100;
/** The number of deliveries remembered, so that none is shown twice. */
const REMEMBERED = 10_000;

/**
 * Passes on each delivery of a running receiver as it is answered, until the signal aborts. If the receiver restarts,
 * it reconnects. Rejects if the receiver is unreachable at the start, or refuses the request.
 */
export async function follow(following: Following): Promise<void> {
  const { clock, signal } = following;
  const seen = new Seen();
  let wait = SOONEST;
  let connected = false;
  let first = true;
  while (!signal.aborted) {
    try {
      const stream = await open(following);
      if (!first) following.onNotice('reconnected to the receiver');
      connected = true;
      wait = SOONEST;
      await read(stream, following, seen, first);
    } catch (error) {
      if (signal.aborted) return;
      // A receiver that shuts down or has too many listeners is retried; any other refusal is final.
      const forGood = error instanceof AdminRefusal && error.status < 500;
      if (forGood || !(connected || !first)) throw error;
    }
    if (signal.aborted) return;
    first = false;
    if (connected)
      following.onNotice(`${following.client.origin} is unreachable; waiting to reconnect`);
    connected = false;
    await clock.sleep(wait, signal);
    wait = Math.min(LATEST, wait * 2);
  }
}

function open({ client, filters, records, signal }: Following): Promise<AsyncIterable<Buffer>> {
  const query = new URLSearchParams({ ...filters, record: String(records) });
  return client.stream(`/api/live?${query}`, signal);
}

async function read(
  stream: AsyncIterable<Buffer>,
  following: Following,
  seen: Seen,
  isFirst: boolean,
): Promise<void> {
  for await (const { event, data } of serverEvents(stream)) {
    if (event === 'hello') {
      const hello = JSON.parse(data) as LiveEvents['hello'];
      following.onHello(hello);
      await showEarlier(following, seen, hello.recording, isFirst);
    } else if (event === 'delivery') {
      await show(JSON.parse(data) as DeliverySummary, following, seen);
    } else if (event === 'attempt') {
      await following.onAttempt(JSON.parse(data) as Attempted);
    } else if (event === 'dropped') {
      const { deliveries, member } = JSON.parse(data) as LiveEvents['dropped'];
      following.onNotice(`too many deliveries at once; ${deliveries} of ${member} are not shown`);
    } else if (event === 'lag') {
      following.onNotice('too many deliveries; some are not shown');
    }
    if (following.signal.aborted) return;
  }
}

/** Shows the requested past deliveries, or, after an interruption, those that arrived in the meantime. */
async function showEarlier(
  following: Following,
  seen: Seen,
  recording: boolean,
  isFirst: boolean,
): Promise<void> {
  if (isFirst && following.last === 0) return;
  if (!recording) {
    if (isFirst)
      following.onNotice(
        'the receiver does not record, so --last has nothing to show; see admin.record',
      );
    return;
  }
  const since = isFirst ? '' : seen.newest;
  const earlier = await newest(following, isFirst ? following.last : CATCH_UP);
  for (const summary of earlier.reverse()) {
    if (summary.at < since || seen.has(summary.id) || following.signal.aborted) continue;
    const whole = following.records ? await recordOf(following, summary.id) : summary;
    if (whole !== undefined) await show(whole, following, seen);
  }
}

async function newest({ client, filters }: Following, count: number): Promise<DeliverySummary[]> {
  const found: DeliverySummary[] = [];
  while (found.length < count) {
    const limit = String(Math.min(PAGE, count - found.length));
    const before = found.at(-1)?.id;
    const query = new URLSearchParams({ ...filters, limit, ...(before && { before }) });
    const page = (await client.get(`/api/deliveries?${query}`)) as DeliverySummary[];
    if (page.length === 0) break;
    found.push(...page);
  }
  return found.slice(0, count);
}

/** Undefined if newer ones have evicted it in the meantime. */
async function recordOf({ client }: Following, id: string): Promise<DeliveryRecord | undefined> {
  try {
    return (await client.get(`/api/deliveries/${encodeURIComponent(id)}`)) as DeliveryRecord;
  } catch (error) {
    if (error instanceof AdminRefusal && error.status === 404) return undefined;
    throw error;
  }
}

async function show(
  delivery: DeliverySummary | DeliveryRecord,
  following: Following,
  seen: Seen,
): Promise<void> {
  if (following.signal.aborted || seen.has(delivery.id)) return;
  seen.add(delivery);
  await following.onDelivery(delivery);
}

/** The deliveries shown most recently. */
class Seen {
  readonly #ids = new Set<string>();
  /** When the newest of them was received, RFC 3339; '' before the first. */
  newest = '';

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add({ at, id }: DeliverySummary): void {
    if (at > this.newest) this.newest = at;
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > REMEMBERED && oldest !== undefined) this.#ids.delete(oldest);
  }
}
