import type { Clock } from '../clock.js';
import type {
  AttemptRecord,
  DeliveryRecord,
  DeliverySummary,
  LiveEvents,
} from '../inspect/record.js';
import { type AdminClient, AdminRefusal } from './admin-client.js';
import { serverEvents } from './server-events.js';

export type Attempted = AttemptRecord & { readonly deliveryId: string };

export interface Following {
  readonly client: AdminClient;
  /** What the API takes of `source`, `outcome`, `type` and `text`. */
  readonly filters: Readonly<Record<string, string>>;
  /** Whole records instead of summaries. */
  readonly records: boolean;
  /** So many of those that came before are shown first. */
  readonly last: number;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
  onHello(hello: LiveEvents['hello']): void;
  onDelivery(delivery: DeliverySummary | DeliveryRecord): Promise<void>;
  onAttempt(attempt: Attempted): Promise<void>;
  /** What people should know: that the receiver is gone, or back. */
  onNotice(text: string): void;
}

/** Milliseconds before it is tried again to reach a receiver that is gone: at first, and at most. */
const [SOONEST, LATEST] = [250, 5_000];
/** How many of what came while there was no connection are looked for. */
const CATCH_UP = 100;
/** The API gives no more at a time. */
const PAGE = 100;
/** Deliveries that are remembered, so that none is shown twice. */
const REMEMBERED = 10_000;

/**
 * Hands on each delivery of a running receiver as it is answered, until the signal aborts. Where the receiver goes away it
 * waits for it to come back. Rejects where it is not there in the beginning, or refuses.
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
      if (!first) following.onNotice('the receiver is back');
      connected = true;
      wait = SOONEST;
      await read(stream, following, seen, first);
    } catch (error) {
      if (signal.aborted) return;
      // One that shuts down or has too many listeners is another matter than one that refuses for good.
      const forGood = error instanceof AdminRefusal && error.status < 500;
      if (forGood || !(connected || !first)) throw error;
    }
    if (signal.aborted) return;
    first = false;
    if (connected) following.onNotice(`${following.client.origin} is gone; waiting for it`);
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
    } else if (event === 'lag') {
      following.onNotice('too many deliveries to keep up with; some are not shown');
    }
    if (following.signal.aborted) return;
  }
}

/** What was asked for of the past; after an interruption what came meanwhile. */
async function showEarlier(
  following: Following,
  seen: Seen,
  recording: boolean,
  isFirst: boolean,
): Promise<void> {
  if (isFirst && following.last === 0) return;
  if (!recording) {
    if (isFirst)
      following.onNotice('it does not record, so there is nothing to begin with; see admin.record');
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

/** Undefined where newer ones have pushed it out meanwhile. */
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

/** The last deliveries that were shown. */
class Seen {
  readonly #ids = new Set<string>();
  /** When the newest of them came in, RFC 3339; '' before the first. */
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
