import type { Clock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import type { Vendor } from '../../event/event.js';
import { retryAfter } from '../../workbench/emulate/retry.js';
import type { HttpRequest } from '../../workbench/emulate/wire-request.js';
import type { Answer } from './request.js';

/** One attempt at a delivery, as `--json` prints it. */
export interface Attempt {
  /** The file of a recorded delivery. */
  readonly file?: string;
  readonly attempt: number;
  readonly method: string;
  readonly path: string;
  readonly events: number;
  readonly messageIds: readonly unknown[];
  /** The answer's status; null if there was none. */
  readonly status: number | null;
  readonly milliseconds: number;
  /** The answer, or why there was none. */
  readonly answer: string;
  /** Whether the vendor would retry. */
  readonly retried: boolean;
}

/** What to send: events that the vendor's form encodes as a request, or a recorded request. */
export interface Delivery {
  readonly events: readonly JsonObject[];
  readonly recorded?: { readonly file: string; readonly request: HttpRequest };
}

export interface Run {
  /** The vendor whose order and retries apply; undefined if neither matters. */
  readonly vendor: Vendor | undefined;
  readonly deliveries: readonly Delivery[];
  /** Encodes events that are not recorded. */
  readonly encode: (events: readonly JsonObject[]) => HttpRequest;
  readonly send: (request: HttpRequest) => Promise<Answer>;
  /** Deliveries per second. Without it each waits for the one before. */
  readonly rate: number | undefined;
  /** Undefined: one attempt each. Otherwise waits are divided by this. */
  readonly timeScale: number | undefined;
  /** Segment batches its retries again; this is the largest batch. */
  readonly reform: number | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onAttempt: (attempt: Attempt) => void;
}

interface Waiting extends Delivery {
  readonly attempts: number;
  readonly firstAt: number | undefined;
  readonly due: number;
}

/**
 * As many workers as RudderStack has for a destination. With a rate, slow answers must not delay deliveries that are
 * due.
 */
const MOST_AT_ONCE = 64;

/**
 * Sends all deliveries, with the retries that the vendor would make, and resolves when each is delivered or dropped.
 */
export async function runDeliveries(run: Run): Promise<void> {
  const { clock, rate } = run;
  const begun = clock.monotonic();
  const atOnce = rate === undefined ? 1 : MOST_AT_ONCE;
  let waiting: Waiting[] = run.deliveries.map((delivery, index) => ({
    ...delivery,
    attempts: 0,
    firstAt: undefined,
    due: rate === undefined ? begun : begun + (index * 1_000) / rate,
  }));
  const underWay = new Map<Promise<void>, readonly JsonObject[]>();
  while (waiting.length > 0 || underWay.size > 0) {
    const now = clock.monotonic();
    waiting = reformed(waiting, run, now);
    const next = underWay.size < atOnce ? nextDue(waiting, underWay, run.vendor, now) : undefined;
    if (next === undefined) {
      await changed(waiting, underWay, clock, now);
      continue;
    }
    waiting.splice(waiting.indexOf(next), 1);
    const work = attempt(next, run).then((again) => {
      underWay.delete(work);
      // Added at the front, so that it still precedes later events of its users.
      if (again !== undefined) waiting.unshift(again);
    });
    underWay.set(work, next.events);
  }
}

/**
 * Returns the first delivery that is due. RudderStack sends an event only when the earlier ones of its user are done.
 */
function nextDue(
  waiting: readonly Waiting[],
  underWay: ReadonlyMap<Promise<void>, readonly JsonObject[]>,
  vendor: Run['vendor'],
  now: number,
): Waiting | undefined {
  if (vendor !== 'rudderstack') return waiting.find(({ due }) => due <= now);
  const held = new Set([...underWay.values()].flat().map(userOf));
  for (const each of waiting) {
    const users = each.events.map(userOf);
    if (each.due <= now && !users.some((user) => held.has(user))) return each;
    // New deliveries that are not due yet are in order: none after the first is due either.
    if (each.due > now && each.attempts === 0) return undefined;
    for (const user of users) held.add(user);
  }
  return undefined;
}

function userOf(event: JsonObject): string {
  return JSON.stringify([event['anonymousId'], event['userId']]);
}

/** Waits until a delivery is answered or due. */
async function changed(
  waiting: readonly Waiting[],
  underWay: ReadonlyMap<Promise<void>, unknown>,
  clock: Clock,
  now: number,
): Promise<void> {
  const later = waiting.map(({ due }) => due).filter((due) => due > now);
  const woken = new AbortController();
  const soonest = later.reduce((least, due) => Math.min(least, due), Number.POSITIVE_INFINITY);
  const timer = later.length === 0 ? [] : [clock.sleep(soonest - now, woken.signal)];
  await Promise.race([...underWay.keys(), ...timer]);
  woken.abort();
}

/** Batches again what Segment is about to retry: batch sizes and neighbors differ from the first attempt. */
function reformed(waiting: Waiting[], run: Run, now: number): Waiting[] {
  const largest = run.reform;
  const isAgain = ({ attempts, due }: Waiting): boolean => attempts > 0 && due <= now;
  if (largest === undefined || !waiting.some((each) => isAgain(each) && each.events.length > 0)) {
    return waiting;
  }
  const again = waiting.filter(isAgain);
  const events = again
    .flatMap((each) => each.events.map((event) => ({ each, event, place: run.random() })))
    .sort((a, b) => a.place - b.place);
  const batches: Waiting[] = [];
  while (events.length > 0) {
    const part = events.splice(0, 1 + Math.floor(run.random() * largest));
    batches.push({
      events: part.map(({ event }) => event),
      attempts: Math.max(...part.map(({ each }) => each.attempts)),
      firstAt: Math.min(...part.map(({ each }) => each.firstAt ?? now)),
      due: now,
    });
  }
  return [...batches, ...waiting.filter((each) => !isAgain(each))];
}

async function attempt(delivery: Waiting, run: Run): Promise<Waiting | undefined> {
  const { clock } = run;
  const { recorded } = delivery;
  const request = recorded?.request ?? run.encode(delivery.events);
  const begun = clock.monotonic();
  const { status, text } = await run.send(request).then(
    (answer) => ({ status: answer.status, text: answer.text }),
    (error: unknown) => ({ status: undefined, text: messageOf(error) }),
  );
  const now = clock.monotonic();
  const firstAt = delivery.firstAt ?? begun;
  const attempts = delivery.attempts + 1;
  const wait = waitOf(run, { status, attempts, age: now - firstAt });
  run.onAttempt({
    ...(recorded === undefined ? {} : { file: recorded.file }),
    attempt: attempts,
    method: request.method,
    path: request.requestUri,
    events: delivery.events.length,
    messageIds: delivery.events.map((event) => event['messageId'] ?? null),
    status: status ?? null,
    milliseconds: Math.round(now - begun),
    answer: text,
    retried: wait !== undefined,
  });
  return wait === undefined ? undefined : { ...delivery, attempts, firstAt, due: now + wait };
}

/** Returns real milliseconds; the vendor's schedule runs in scaled ones. */
function waitOf(
  run: Run,
  outcome: { status: number | undefined; attempts: number; age: number },
): number | undefined {
  if (run.timeScale === undefined || run.vendor === undefined) return undefined;
  const age = outcome.age * run.timeScale;
  const wait = retryAfter(run.vendor, { ...outcome, age }, run.random());
  return wait === undefined ? undefined : wait / run.timeScale;
}
