import type { Context, Request } from 'koa';
import { type Clock, within } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import type { Canonicalizer } from '../event/canonicalizer.js';
import type { Tape } from '../inspect/tape.js';
import type { Appended, Outbox } from '../outbox/outbox.js';
import type { Answer, Delivery, Source, Taken } from '../sources/source.js';
import type { Metrics, SourceMetrics } from '../telemetry/metrics.js';
import { headerLines } from '../verify/header-lines.js';
import type { Admission, Admitted } from './admission.js';
import type { AuthenticationWatch } from './authentication-watch.js';
import { declaredLength, readBody, refuseTooLarge } from './body.js';
import { budgetSpent, type Deadlines } from './deadline.js';
import { type OnEvent, type Prepared, prepare, prepareUnauthenticated } from './prepare.js';
import { RateLimit } from './rate-limit.js';

export interface IngestDeps {
  readonly server: ServerConfig;
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, 'append'>;
  readonly canonicalize: Canonicalizer;
  readonly metrics: Pick<Metrics, 'append'>;
  readonly uuid: () => string;
  /** Names this receiver in events that it has sent on. */
  readonly bridgeId: () => string;
  readonly deadlines: Deadlines;
  /** Resolves when every sink has settled these events, or the signal aborts. */
  readonly settledBy: (ids: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly isDraining: () => boolean;
  readonly admission: Pick<Admission, 'enter'>;
  /** The watch of the source called so. */
  readonly authentication: (source: string) => AuthenticationWatch;
}

const SENDER_MAY_RETRY_WHEN_UP = 2000;

/** From so many header lines on Node drops some without a word: a signature may be among them, or the body's length. */
const MOST_HEADERS = 1000;

/**
 * The way of a delivery from bytes to its answer, for one source:
 * path, method, drain, admission, bytes, verification, rate, decoding, canonical events, outbox. Resolves to what was taken, or to the
 * answer of a request that brings no event. Whatever refuses it throws a TrackbridgeError; nothing is answered 200 that is not durable.
 * Where there is a tape, everything on the way is noted on it.
 */
export function createIngest(
  source: Source,
  deps: IngestDeps,
  sourceMetrics: SourceMetrics,
): (ctx: Context, requestId: string, startedAt: number, tape?: Tape) => Promise<Taken | Answer> {
  const { server, clock, deadlines, admission } = deps;
  const limited = source.config.rateLimit;
  const newLimit = (): RateLimit | undefined => limited && new RateLimit(limited, clock);
  // Whoever cannot authenticate must not be able to use up the vendor's rate, and has the same of its own.
  const watch = deps.authentication(source.name);
  const doors = { watch, verified: newLimit(), unverified: newLimit() };

  return async (ctx, requestId, startedAt, tape) => {
    // Koa's `ctx.method` and its like go through two more functions each.
    const { method, path } = ctx.request;
    const below = belowOf(source, path);
    source.checkBelow(below);
    checkHeaders(ctx.req.rawHeaders);
    checkMethod(source, method, below);
    if (deps.isDraining()) {
      throw new TrackbridgeError('DRAINING', 'the receiver is shutting down; send it again', {
        retryAfter: SENDER_MAY_RETRY_WHEN_UP,
      });
    }
    // Before there is talk of load: what will never fit must not be sent again.
    refuseTooLarge(ctx.req, server.bodyLimit);
    const admitted = admission.enter(declaredLength(ctx.req));
    try {
      return await take(ctx.request, requestId, below, startedAt, admitted, tape);
    } finally {
      admitted.leave();
    }
  };

  async function take(
    request: Request,
    requestId: string,
    below: string,
    startedAt: number,
    admitted: Admitted,
    tape: Tape | undefined,
  ): Promise<Taken | Answer> {
    const { bodyLimit, budget } = server;
    const signal = deadlines.in(budget - (clock.monotonic() - startedAt));
    const { account } = admitted;
    const body = await readBody(request.req, bodyLimit, signal, source.lateBody, account);
    const { method } = request;
    const delivery: Delivery = {
      id: requestId,
      method,
      query: request.querystring,
      below,
      headers: headerLines(request.req.rawHeaders),
      body,
      remote: request.ip,
      // Not `request.origin`, which is the page a browser is on.
      origin: () => `${request.protocol}://${request.host}`,
      httpVersion: request.req.httpVersion,
      receivedAt: clock.now(),
    };
    const answer = await bounded(source.respond?.(delivery, signal), signal);
    if (answer !== undefined) return answer;
    // Not before: what the vendor's API answers by itself may be about tokens.
    tape?.read(body);
    const prepared = await prepareDelivery(source, delivery, deps, signal, doors, tape);
    // HEAD answers like GET and records nothing.
    const appended = method === 'HEAD' ? [] : await append(prepared, deps, signal, admitted, watch);
    tape?.appended(appended);
    const taken = takenOf(prepared, appended);
    if (method !== 'HEAD') {
      sourceMetrics.events(taken.accepted, taken.duplicates, taken.quarantined, taken.looped);
    }
    refuseSingleInvalid(prepared);
    if (source.config.ack === 'delivered') await settled(appended, deps, signal);
    return taken;
  }
}

/** Where a delivery comes in once it is known who sent it. */
interface Doors {
  readonly watch: AuthenticationWatch;
  readonly verified: RateLimit | undefined;
  readonly unverified: RateLimit | undefined;
}

async function prepareDelivery(
  source: Source,
  delivery: Delivery,
  deps: IngestDeps,
  signal: AbortSignal,
  { watch, verified, unverified }: Doors,
  tape: Tape | undefined,
): Promise<Prepared> {
  const verification = await bounded(source.verify(delivery, signal), signal);
  tape?.verified(verification.holds ? { ...verification.coverage(0), holds: true } : verification);
  const { onUnauthenticated } = source.config;
  if (verification.holds) watch.verified();
  else watch.refused();
  if (!verification.holds && onUnauthenticated === 'reject') {
    throw new TrackbridgeError('UNAUTHENTICATED', verification.reason);
  }
  limitRate(source, verification.holds ? verified : unverified);
  const decoded = await bounded(source.decode(delivery), signal);
  const onEvent: OnEvent | undefined = tape && ((note) => tape.event(note));
  if (!verification.holds) {
    return prepareUnauthenticated(source, delivery, decoded, verification.reason, onEvent);
  }
  const { bridgeId, canonicalize, uuid } = deps;
  const coverage = (index: number) => verification.coverage(index);
  const bridge = bridgeId();
  return prepare(source, delivery, decoded, coverage, canonicalize, uuid, bridge, onEvent);
}

function limitRate(source: Source, rateLimit: RateLimit | undefined): void {
  const wait = rateLimit?.take() ?? 0;
  if (wait === 0) return;
  throw new TrackbridgeError('RATE_LIMITED', `source ${source.name} is over its rateLimit`, {
    retryAfter: wait,
  });
}

/** What waits at all may wait for a thread that somebody's dead disk holds, and no signal reaches it there. */
function bounded<T>(work: T | Promise<T>, signal: AbortSignal): T | Promise<T> {
  if (!(work instanceof Promise)) return work;
  return within(work, signal, () => budgetSpent('checking and decoding the delivery'));
}

async function append(
  prepared: Prepared,
  deps: IngestDeps,
  signal: AbortSignal,
  admitted: Admitted,
  watch: AuthenticationWatch,
): Promise<readonly Appended[]> {
  const { clock, metrics, outbox } = deps;
  if (prepared.events.length + prepared.quarantined.length === 0) return [];
  if (signal.aborted) throw budgetSpent('reading and checking the delivery');
  const startedAt = clock.monotonic();
  const settle = admitted.appending();
  try {
    const appended = await outbox.append(prepared, signal);
    metrics.append(clock.monotonic() - startedAt);
    return appended;
  } catch (error) {
    if (error instanceof TrackbridgeError && error.code === 'QUARANTINE_FULL') watch.full();
    throw error;
  } finally {
    settle();
  }
}

/** One status stands for a whole batch; a single event that is not valid is kept, and its sender hears why. */
function refuseSingleInvalid(prepared: Prepared): void {
  const invalid = prepared.quarantined[0];
  if (prepared.batch || invalid === undefined) return;
  throw new TrackbridgeError('EVENT_INVALID', 'the event is not valid; it is kept in quarantine', {
    errors: invalid.errors,
  });
}

async function settled(
  appended: readonly Appended[],
  deps: IngestDeps,
  signal: AbortSignal,
): Promise<void> {
  const ids = appended.flatMap((each) => (each.outcome === 'accepted' ? [each.id] : []));
  if (ids.length > 0) await deps.settledBy(ids, signal);
}

function takenOf(prepared: Prepared, appended: readonly Appended[]): Taken {
  let accepted = 0;
  for (const each of appended) if (each.outcome === 'accepted') accepted++;
  return {
    accepted,
    duplicates: appended.length - accepted,
    quarantined: prepared.quarantined.length,
    violations: prepared.violations,
    unauthenticated: prepared.unauthenticated,
    looped: prepared.looped,
  };
}

/** The path below a source's own, as it was sent, without a slash in front. */
export function belowOf(source: Source, path: string): string {
  return path.slice(source.config.path.length).replace(/^\//, '');
}

function checkHeaders(rawHeaders: readonly string[]): void {
  if (rawHeaders.length < 2 * MOST_HEADERS) return;
  throw new TrackbridgeError(
    'HEAD_TOO_LARGE',
    `the request has ${MOST_HEADERS} header lines or more; send fewer`,
  );
}

function checkMethod(source: Source, method: string, below: string): void {
  const methods = source.methodsFor(below);
  if (methods.includes(method)) return;
  const allowed = source.config.cors === undefined ? methods : [...methods, 'OPTIONS'];
  throw new TrackbridgeError('METHOD_NOT_ALLOWED', `${source.name} takes ${allowed.join(', ')}`, {
    headers: { allow: allowed.join(', ') },
  });
}
