import type { Socket } from 'node:net';
import type { Context, Request } from 'koa';
import type { ServerConfig } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import type { JudgedEvent, Observations, ObservedDelivery } from '../core/observe.js';
import { budgetSpent, type Deadlines } from '../http/deadline.js';
import type { Forwarded } from '../http/forwarded.js';
import type { Stalls } from '../http/stalls.js';
import type { Feed } from '../outbox/feed.js';
import type { Appended, Intake } from '../outbox/intake.js';
import type { AcceptedDelivery, Answer, Decoded, Delivery, Source } from '../sources/source.js';
import type { Verification } from '../verify/combine.js';
import { headerLines } from '../verify/header-lines.js';
import type { Admission } from './admission.js';
import type { Admitted } from './admitted.js';
import { bounded, inTurn, rejectByHead, verify } from './authenticate.js';
import type { DeliveryWatch } from './authentication-watch.js';
import { declaredLength, mayBeLarge, readBody, rejectTooLarge } from './body.js';
import { type CheckedDelivery, checkEvents } from './check-events.js';
import type { Check } from './checks/check.js';
import type { TakeRate } from './rate-limits.js';
import type { Pace, Turns } from './turns.js';

export interface IngestDeps {
  readonly server: ServerConfig;
  readonly clock: Clock;
  readonly outbox: Pick<Intake, 'append'> & Pick<Feed, 'settled'>;
  /** The checks that every event must pass. */
  readonly checks: readonly Check[];
  readonly observations: Observations;
  readonly deadlines: Deadlines;
  readonly isDraining: () => boolean;
  readonly admission: Pick<Admission, 'enter'>;
  readonly turns: Turns;
  readonly pace: Pace;
  readonly stalls: Pick<Stalls, 'tookMostOf'>;
  readonly forwarded: Forwarded;
  /** Called with each connection that brought an authenticated delivery. */
  readonly trust: (socket: Socket) => void;
  /** Returns the authentication watch of a source by name. */
  readonly authentication: (source: string) => DeliveryWatch;
  /** The rate limits of all sources. */
  readonly takeRate: TakeRate;
}

const SENDER_MAY_RETRY_WHEN_UP = 2000;

/** From this many header lines on, Node silently drops some. A signature or the body's length may be among them. */
const MOST_HEADERS = 1000;

/**
 * Handles a delivery of one source from its bytes to its answer, in the order of the steps below. Resolves to the
 * accepted delivery, or to the answer of a request that brings no event. Every rejection is thrown as a
 * TrackbridgeError. Nothing is answered 200 before it is durable. `observed` identifies the delivery to observers;
 * `startedAt` is the monotonic time of its first byte.
 */
export function createIngest(
  source: Source,
  deps: IngestDeps,
): (
  ctx: Context,
  observed: ObservedDelivery,
  startedAt: number,
) => Promise<AcceptedDelivery | Answer> {
  const { server, clock, observations, outbox, turns } = deps;
  const { ack, onUnauthenticated, rateLimit } = source.config;
  const watch = deps.authentication(source.name);

  return async ({ request }, observed, startedAt) => {
    // Read from `request`, because Koa's `ctx.method` and similar accessors go through two more functions each.
    const { method, path, req } = request;
    const subpath = subpathOf(source, path);
    checkHead(req.rawHeaders, method, subpath);
    // Checked before load: a sender must not retry a body that will never fit.
    rejectTooLarge(req, server.bodyLimit);
    const admitted = deps.admission.enter(declaredLength(req));
    try {
      const signal = deps.deadlines.in(server.budget - (clock.monotonic() - startedAt));
      const body = await read(request, startedAt, signal, admitted);
      const delivery = deliveryOf(request, observed, subpath, body);
      const answer = await bounded(source.respond?.(delivery, signal), signal);
      if (answer !== undefined) return answer;
      // Published only here: requests that the vendor's API answers by itself may contain tokens.
      if (observations.read.isObserved) {
        observations.read.publish({ delivery: observed, body: delivery.body });
      }
      stepped(observed, 'verify');
      const verification = await verify(source, delivery, turns, signal);
      checkVerification(verification, observed);
      if (rateLimit !== undefined) await limitRate(verification, signal);
      const isAuthenticated = verification.passed && verification.coverage(0).authenticated;
      if (isAuthenticated) {
        admitted.verified();
        deps.trust(req.socket);
      }
      stepped(observed, 'decode');
      const decode = (): Decoded | Promise<Decoded> => bounded(source.decode(delivery), signal);
      const decoded = await (isAuthenticated ? decode() : inTurn(delivery, turns, signal, decode));
      const onJudged = observations.judged.isObserved
        ? (event: JudgedEvent) => observations.judged.publish({ delivery: observed, event })
        : undefined;
      const checked = checkEvents(source, delivery, decoded, verification, deps.checks, onJudged);
      // HEAD is answered like GET and stores nothing.
      const stored =
        method === 'HEAD'
          ? { checked, results: [] }
          : await append(checked, observed, signal, admitted);
      const accepted = acceptedDelivery(stored);
      if (method !== 'HEAD' && observations.appended.isObserved) {
        const { ms, results } = stored;
        observations.appended.publish({ delivery: observed, results, counts: accepted, ms });
      }
      rejectSingleInvalid(stored.checked);
      if (ack === 'delivered') await settled(stored.results, deps, signal);
      return accepted;
    } finally {
      admitted.leave();
    }
  };

  function checkHead(rawHeaders: readonly string[], method: string, subpath: string): void {
    source.checkSubpath(subpath);
    checkHeaders(rawHeaders);
    checkMethod(source, method, subpath);
    if (!deps.isDraining()) return;
    throw new TrackbridgeError('DRAINING', 'the receiver is shutting down; retry the delivery', {
      retryAfter: SENDER_MAY_RETRY_WHEN_UP,
    });
  }

  function read(
    { method, querystring: query, req }: Request,
    startedAt: number,
    signal: AbortSignal,
    admitted: Admitted,
  ): Buffer | Promise<Buffer> {
    // The inspector shows a delivery with its body, so that a wrong secret can be diagnosed as well.
    if (!observations.read.isObserved && mayBeLarge(req)) {
      rejectByHead(source, { method, query, headers: headerLines(req.rawHeaders) }, signal, watch);
    }
    const { pace, stalls } = deps;
    const { bodyLimit, budget } = server;
    return readBody(req, {
      limit: bodyLimit,
      signal,
      late: () => (stalls.tookMostOf(budget, startedAt) ? 'BUDGET_SPENT' : source.lateBody),
      account: (bytes) => admitted.account(bytes),
      takeTurn: (until) => turns.take(until),
      nextRead: () => pace.next(),
    });
  }

  function stepped(delivery: ObservedDelivery, step: 'verify' | 'decode' | 'append'): void {
    if (observations.stepped.isObserved) observations.stepped.publish({ delivery, step });
  }

  function deliveryOf(
    request: Request,
    { id, trace }: ObservedDelivery,
    subpath: string,
    body: Buffer,
  ): Delivery {
    const { forwarded } = deps;
    const { method, querystring: query, req } = request;
    return {
      id,
      method,
      query,
      subpath,
      headers: headerLines(req.rawHeaders),
      body,
      remote: forwarded.addressOf(request),
      origin: () => forwarded.originOf(request),
      httpVersion: req.httpVersion,
      receivedAt: clock.now(),
      trace,
    };
  }

  /** Throws UNAUTHENTICATED if verification failed and the source rejects such deliveries. */
  function checkVerification(verification: Verification, observed: ObservedDelivery): void {
    const { passed } = verification;
    if (observations.verified.isObserved) {
      observations.verified.publish({
        delivery: observed,
        verification: passed
          ? { passed, verifiedBy: verification.coverage(0).verifiedBy }
          : { passed, reason: verification.reason },
      });
    }
    if (passed) watch.passed();
    else watch.failed();
    if (!passed && onUnauthenticated === 'reject') {
      throw new TrackbridgeError('UNAUTHENTICATED', verification.reason);
    }
  }

  async function limitRate({ passed }: Verification, signal: AbortSignal): Promise<void> {
    const of = passed ? 'authenticated' : 'unauthenticated';
    const retryAfter = await bounded(deps.takeRate(source.name, of), signal);
    if (retryAfter === 0) return;
    throw new TrackbridgeError('RATE_LIMITED', `source ${source.name} is over its rateLimit`, {
      retryAfter,
    });
  }

  async function append(
    checked: CheckedDelivery,
    observed: ObservedDelivery,
    signal: AbortSignal,
    admitted: Admitted,
  ): Promise<Stored> {
    if (isEmpty(checked)) return { checked, results: [] };
    if (signal.aborted) throw budgetSpent('reading and checking the delivery');
    stepped(observed, 'append');
    const startedAt = clock.monotonic();
    admitted.appending(startedAt);
    const msSince = (): number => clock.monotonic() - startedAt;
    try {
      return { checked, results: await outbox.append(checked, signal), ms: msSince() };
    } catch (error) {
      if (!(error instanceof TrackbridgeError) || error.code !== 'QUARANTINE_FULL') throw error;
      watch.full();
      // Anyone can send events with unlisted write keys in a batch, and the others must not wait for them. So they are
      // dropped and counted as with `onUnauthenticated: reject`.
      const rest = withoutUnauthenticated(checked);
      if (isEmpty(rest)) throw error;
      return { checked: rest, results: await outbox.append(rest, signal), ms: msSince() };
    } finally {
      admitted.appended();
    }
  }
}

/** A delivery that is durable. */
interface Stored {
  /** The part of the delivery that went to the outbox. */
  readonly checked: CheckedDelivery;
  readonly results: readonly Appended[];
  /** Milliseconds until it was durable; absent if there was nothing to append. */
  readonly ms?: number;
}

function isEmpty({ events, quarantined }: CheckedDelivery): boolean {
  return events.length + quarantined.length === 0;
}

function withoutUnauthenticated(checked: CheckedDelivery): CheckedDelivery {
  const quarantined = checked.quarantined.filter(({ reason }) => reason !== 'unauthenticated');
  const dropped = checked.quarantined.length - quarantined.length;
  return { ...checked, quarantined, unauthenticated: checked.unauthenticated + dropped };
}

/**
 * A batch has one status for all its events. A single invalid event is quarantined, and its sender receives the reason.
 */
function rejectSingleInvalid({ batch, quarantined }: CheckedDelivery): void {
  const [entry] = quarantined;
  if (batch || entry === undefined) return;
  throw new TrackbridgeError('EVENT_INVALID', 'the event is not valid; it is in quarantine', {
    errors: entry.errors,
  });
}

async function settled(
  results: readonly Appended[],
  deps: IngestDeps,
  signal: AbortSignal,
): Promise<void> {
  const ids = results.flatMap((each) => (each.outcome === 'accepted' ? [each.id] : []));
  if (ids.length > 0) await deps.outbox.settled(ids, signal);
}

function acceptedDelivery({ checked, results }: Stored): AcceptedDelivery {
  let accepted = 0;
  for (const each of results) if (each.outcome === 'accepted') accepted++;
  return {
    accepted,
    duplicates: results.length - accepted,
    quarantined: checked.quarantined.length,
    violations: checked.violations,
    unauthenticated: checked.unauthenticated,
    looped: checked.looped,
  };
}

/** Returns the part of a path after the source's own, as sent, without a leading slash. */
export function subpathOf(source: Source, path: string): string {
  return path.slice(source.config.path.length).replace(/^\//, '');
}

function checkHeaders(rawHeaders: readonly string[]): void {
  if (rawHeaders.length < 2 * MOST_HEADERS) return;
  throw new TrackbridgeError(
    'HEAD_TOO_LARGE',
    `the request has ${MOST_HEADERS} header lines or more; send fewer`,
  );
}

function checkMethod(source: Source, method: string, subpath: string): void {
  const methods = source.methodsFor(subpath);
  if (methods.includes(method)) return;
  const allowed = source.config.cors === undefined ? methods : [...methods, 'OPTIONS'];
  throw new TrackbridgeError('METHOD_NOT_ALLOWED', `${source.name} accepts ${allowed.join(', ')}`, {
    headers: { allow: allowed.join(', ') },
  });
}
