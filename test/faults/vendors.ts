import { Agent } from 'undici';
import { trackText } from '../support/sender.js';
import type { Ledger } from './ledger.js';
import { SECRET } from './program.js';
import { type Answered, deliver, segmentHeaders } from './senders.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How many times faster than the vendors these senders wait. What they allow for an answer is not scaled. */
export const TIME_SCALE = 100;

/** The header of the second factor that Segment's destination sends with every delivery. */
export const TOKEN_HEADER = 'x-webhook-token';

interface Waiting {
  readonly id: string;
  readonly user: string;
  attempts: number;
  firstAt: number;
}

export interface VendorOptions {
  readonly ledger: Ledger;
  readonly url: () => string;
  /** The share of deliveries, 0 to 1, of which the sender never sees the answer, though they may have been taken. */
  readonly answersLost: number;
}

/** A vendor's delivery service: what it is given it sends until it is answered 200 or the vendor would drop it. */
export interface VendorSender {
  send(id: string, user: string): void;
  /** How many events are neither answered 200 nor dropped. */
  readonly waiting: number;
  /** Those that the vendor has dropped for good. */
  readonly dropped: readonly string[];
  close(): Promise<void>;
}

/** Whether a vendor tries again after this: both do after 429, 5xx, a broken connection and a timeout. */
function isTransient(status: number | undefined): boolean {
  return status === undefined || status === 408 || status === 429 || status >= 500;
}

/** A delivery of which the answer may be lost on the way: the connection breaks a moment after it was sent. */
async function deliverOverNetwork(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
  dispatcher: Agent,
  answersLost: number,
): Promise<Answered> {
  const lost = Math.random() < answersLost;
  const signal = lost ? { signal: AbortSignal.timeout(Math.ceil(Math.random() * 5)) } : {};
  return await deliver(url, body, headers, { dispatcher, timeoutMs, ...signal });
}

const eventText = (id: string, user: string): string => trackText(id, { userId: user });

/**
 * Segment's webhook action with batching: a JSON array, of which the signature covers the first element. What was not
 * answered 200 goes back, waits for a randomised time that grows exponentially, and is batched again with whatever else is
 * due then, for four hours.
 *
 * Segment publishes the four hours, the randomness and the five seconds for an answer, but neither the first wait nor the
 * longest: one second and ten minutes are assumed.
 */
export function startSegment({ ledger, url, answersLost }: VendorOptions): VendorSender {
  const GATHER_MS = 10;
  const LARGEST_BATCH = 12;
  const dispatcher = new Agent({ connections: 8 });
  const dropped: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let due: Waiting[] = [];
  let waiting = 0;
  let gathering = false;

  const later = (ms: number, work: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };
  const enqueue = (event: Waiting): void => {
    due.push(event);
    if (gathering) return;
    gathering = true;
    later(GATHER_MS, () => {
      gathering = false;
      const all = due;
      due = [];
      while (all.length > 0) {
        void attempt(all.splice(0, 1 + Math.floor(Math.random() * LARGEST_BATCH)));
      }
    });
  };
  const attempt = async (batch: readonly Waiting[]): Promise<void> => {
    for (const { id } of batch) ledger.sending(id);
    const texts = batch.map(({ id, user }) => eventText(id, user));
    const { status, ms } = await deliverOverNetwork(
      `${url()}/segment`,
      `[${texts.join(',')}]`,
      { ...segmentHeaders(String(texts[0])), [TOKEN_HEADER]: SECRET },
      5 * SECOND,
      dispatcher,
      answersLost,
    );
    const ids = batch.map(({ id }) => id);
    if (status !== undefined) ledger.answered(ids, status, ms);
    for (const event of batch) {
      event.attempts++;
      const tooOld = performance.now() - event.firstAt > (4 * HOUR) / TIME_SCALE;
      if (isTransient(status) && !tooOld) {
        const longest = Math.min(10 * MINUTE, SECOND * 2 ** event.attempts);
        later((Math.random() * longest) / TIME_SCALE, () => enqueue(event));
        continue;
      }
      waiting--;
      if (status !== 200) dropped.push(event.id);
    }
  };
  return {
    send(id, user) {
      waiting++;
      enqueue({ id, user, attempts: 0, firstAt: performance.now() });
    },
    get waiting() {
      return waiting;
    },
    dropped,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      await dispatcher.destroy();
    },
  };
}

/**
 * RudderStack's router (rudder-server, router/): one event a request, ten seconds for an answer, the next wait
 * `min(300s, 10s * 2^(attempt-1))`, and while an event waits no later one of its user is sent. 408 and 429 are tried for ever;
 * what fails otherwise is dropped after 180 minutes and three attempts. It does not read `Retry-After`.
 */
export function startRudderStack({ ledger, url, answersLost }: VendorOptions): VendorSender {
  const dispatcher = new Agent({ connections: 64 });
  const dropped: string[] = [];
  const users = new Map<string, Waiting[]>();
  const timers = new Set<NodeJS.Timeout>();
  let waiting = 0;

  const attempt = async (queue: Waiting[]): Promise<void> => {
    const event = queue[0];
    if (event === undefined) return;
    ledger.sending(event.id, event.user);
    const { status, ms } = await deliverOverNetwork(
      `${url()}/rudderstack`,
      eventText(event.id, event.user),
      { 'user-agent': 'RudderLabs', 'x-signature': SECRET },
      10 * SECOND,
      dispatcher,
      answersLost,
    );
    if (status !== undefined) ledger.answered([event.id], status, ms);
    event.attempts++;
    const unlimited = status === 408 || status === 429;
    const tooOld = performance.now() - event.firstAt > (180 * MINUTE) / TIME_SCALE;
    if (isTransient(status) && (unlimited || !tooOld || event.attempts < 3)) {
      const wait = Math.min(300 * SECOND, 10 * SECOND * 2 ** (event.attempts - 1));
      const timer = setTimeout(() => {
        timers.delete(timer);
        void attempt(queue);
      }, wait / TIME_SCALE);
      timers.add(timer);
      return;
    }
    waiting--;
    if (status !== 200) dropped.push(event.id);
    queue.shift();
    void attempt(queue);
  };
  return {
    send(id, user) {
      waiting++;
      const queue = users.get(user) ?? [];
      users.set(user, queue);
      queue.push({ id, user, attempts: 0, firstAt: performance.now() });
      if (queue.length === 1) void attempt(queue);
    },
    get waiting() {
      return waiting;
    },
    dropped,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      await dispatcher.destroy();
    },
  };
}
