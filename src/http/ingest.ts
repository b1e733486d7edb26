import type { Context } from 'koa';
import { type Clock, within } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import type { Canonicalizer } from '../event/canonicalizer.js';
import type { Appended, Outbox } from '../outbox/outbox.js';
import type { Delivery, Source } from '../sources/source.js';
import type { Metrics, SourceMetrics } from '../telemetry/metrics.js';
import { headerLines } from '../verify/header-lines.js';
import { readBody } from './body.js';
import { budgetSpent, type Deadlines } from './deadline.js';
import { type Prepared, prepare, prepareUnauthenticated } from './prepare.js';
import { RateLimit } from './rate-limit.js';

export interface IngestDeps {
  readonly server: ServerConfig;
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, 'append'>;
  readonly canonicalize: Canonicalizer;
  readonly metrics: Pick<Metrics, 'append'>;
  readonly uuid: () => string;
  readonly deadlines: Deadlines;
  /** Resolves when every sink has settled these events, or the signal aborts. */
  readonly settledBy: (ids: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly isDraining: () => boolean;
}

/** How one delivery was taken, for the log and the metrics. */
export interface Taken {
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
}

const SENDER_MAY_RETRY_WHEN_UP = 2000;

/**
 * The way of a delivery from bytes to its answer, for one source:
 * path, method, drain, bytes, verification, rate, decoding, canonical events, outbox, answer.
 * Whatever refuses it throws a TrackbridgeError; nothing is answered 200 that is not durable.
 */
export function createIngest(
  source: Source,
  deps: IngestDeps,
  sourceMetrics: SourceMetrics,
): (ctx: Context, requestId: string, startedAt: number) => Promise<Taken> {
  const { server, clock, deadlines } = deps;
  const rateLimit =
    source.config.rateLimit === undefined
      ? undefined
      : new RateLimit(source.config.rateLimit, clock);

  return async (ctx, requestId, startedAt) => {
    const below = belowOf(source, ctx.path);
    source.checkBelow(below);
    checkMethod(source, ctx.method);
    if (deps.isDraining()) {
      throw new TrackbridgeError('DRAINING', 'the receiver is shutting down; send it again', {
        retryAfter: SENDER_MAY_RETRY_WHEN_UP,
      });
    }
    const signal = deadlines.in(server.budget - (clock.monotonic() - startedAt));
    const body = await readBody(ctx.req, server.bodyLimit, signal, source.lateBody);
    const delivery: Delivery = {
      id: requestId,
      method: ctx.method,
      query: ctx.querystring,
      below,
      headers: headerLines(ctx.req.rawHeaders),
      body,
      receivedAt: clock.now(),
    };
    const prepared = await prepareDelivery(source, delivery, deps, signal, rateLimit);
    // HEAD answers like GET and records nothing.
    const appended = ctx.method === 'HEAD' ? [] : await append(prepared, deps, signal);
    const taken = takenOf(prepared, appended);
    if (ctx.method !== 'HEAD') {
      sourceMetrics.events(taken.accepted, taken.duplicates, taken.quarantined);
    }
    refuseSingleInvalid(prepared);
    if (source.config.ack === 'delivered') await settled(appended, deps, signal);
    return taken;
  };
}

interface Ready extends Prepared {
  readonly batch: boolean;
}

async function prepareDelivery(
  source: Source,
  delivery: Delivery,
  deps: IngestDeps,
  signal: AbortSignal,
  rateLimit: RateLimit | undefined,
): Promise<Ready> {
  const verification = await bounded(source.verify(delivery, signal), signal);
  if (!verification.holds && source.config.onUnauthenticated === 'reject') {
    throw new TrackbridgeError('UNAUTHENTICATED', verification.reason);
  }
  limitRate(source, rateLimit);
  const decoded = await bounded(source.decode(delivery), signal);
  if (!verification.holds) {
    // Kept for the operator and answered 200: a 401 would make the sender drop it.
    return {
      batch: true,
      ...prepareUnauthenticated(source, delivery, decoded, verification.reason),
    };
  }
  const { canonicalize, uuid } = deps;
  const coverage = (index: number) => verification.coverage(index);
  const prepared = prepare(source, delivery, decoded, coverage, canonicalize, uuid);
  return { batch: decoded.batch, ...prepared };
}

/** After verification: whoever cannot authenticate must not be able to use up the vendor's rate. */
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
  prepared: Ready,
  deps: IngestDeps,
  signal: AbortSignal,
): Promise<readonly Appended[]> {
  const { clock, metrics, outbox } = deps;
  if (prepared.events.length + prepared.quarantined.length === 0) return [];
  if (signal.aborted) throw budgetSpent('reading and checking the delivery');
  const startedAt = clock.monotonic();
  const appended = await outbox.append(prepared, signal);
  metrics.append(clock.monotonic() - startedAt);
  return appended;
}

/** One status stands for a whole batch; a single event that is not valid is kept, and its sender hears why. */
function refuseSingleInvalid(prepared: Ready): void {
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
  };
}

function belowOf(source: Source, path: string): string {
  return path.slice(source.config.path.length).replace(/^\//, '');
}

function checkMethod(source: Source, method: string): void {
  if (source.methods.includes(method)) return;
  const allowed =
    source.config.cors === undefined ? source.methods : [...source.methods, 'OPTIONS'];
  throw new TrackbridgeError('METHOD_NOT_ALLOWED', `${source.name} takes ${allowed.join(', ')}`, {
    headers: { allow: allowed.join(', ') },
  });
}
