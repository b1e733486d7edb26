import type { Context } from 'koa';
import type { Clock } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import type { Canonicalizer } from '../event/canonicalizer.js';
import type { Appended, Outbox } from '../outbox/outbox.js';
import type { Delivery, Source } from '../sources/source.js';
import type { Metrics, SourceMetrics } from '../telemetry/metrics.js';
import { headerLines } from '../verify/header-lines.js';
import { readBody } from './body.js';
import { budgetSpent, type Deadlines } from './deadline.js';
import type { FirstBytes } from './first-byte.js';
import { type Prepared, prepare, prepareUnauthenticated } from './prepare.js';
import { RateLimit } from './rate-limit.js';

export interface IngestDeps {
  readonly server: ServerConfig;
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, 'append'>;
  readonly canonicalize: Canonicalizer;
  readonly metrics: Pick<Metrics, 'append'>;
  readonly uuid: () => string;
  readonly firstBytes: FirstBytes;
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
 * path, method, drain, rate, bytes, verification, decoding, canonical events, outbox, answer.
 * Whatever refuses it throws a TrackbridgeError; nothing is answered 200 that is not durable.
 */
export function createIngest(
  source: Source,
  deps: IngestDeps,
  sourceMetrics: SourceMetrics,
): (ctx: Context, requestId: string) => Promise<Taken> {
  const { server, clock, firstBytes, deadlines } = deps;
  const rateLimit =
    source.config.rateLimit === undefined
      ? undefined
      : new RateLimit(source.config.rateLimit, clock);

  return async (ctx, requestId) => {
    const below = belowOf(source, ctx.path);
    source.checkBelow(below);
    checkMethod(source, ctx.method);
    if (deps.isDraining()) {
      throw new TrackbridgeError('DRAINING', 'the receiver is shutting down; send it again', {
        retryAfter: SENDER_MAY_RETRY_WHEN_UP,
      });
    }
    const wait = rateLimit?.take() ?? 0;
    if (wait > 0) {
      throw new TrackbridgeError('RATE_LIMITED', `source ${source.name} is over its rateLimit`, {
        retryAfter: wait,
      });
    }

    const spent = clock.monotonic() - firstBytes.of(ctx.req.socket);
    const signal = deadlines.in(server.budget - spent);
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
    const prepared = await prepareDelivery(source, delivery, deps, signal);
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
): Promise<Ready> {
  const verification = await source.verify(delivery, signal);
  if (!verification.holds && source.config.onUnauthenticated === 'reject') {
    throw new TrackbridgeError('UNAUTHENTICATED', verification.reason);
  }
  const decoded = await source.decode(delivery);
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
