import Koa, { type Context, type Middleware, type Next } from 'koa';
import { type ErrorCode, messageOf, TrackbridgeError } from '../core/errors.js';
import type { DeliveryOutcome, ObservedDelivery } from '../core/observe.js';
import type { FirstBytes } from '../http/first-byte.js';
import { createHealth } from '../http/health.js';
import { knownError, problemOf, retryAfterOf } from '../http/problem.js';
import { rejectBadHead } from '../http/request-line.js';
import type { Intake } from '../outbox/intake.js';
import type { Answer, Answers, Source } from '../sources/source.js';
import type { Log } from '../telemetry/log.js';
import type { RejectionLog } from '../telemetry/rejection-log.js';
import { allowOrigin, answerPreflight } from './cors.js';
import { familiarPath } from './familiar-path.js';
import { createIngest, type IngestDeps, subpathOf } from './ingest.js';

export interface AppDeps extends IngestDeps {
  readonly firstBytes: FirstBytes;
  readonly outbox: IngestDeps['outbox'] & Pick<Intake, 'probe'>;
  readonly log: Log;
  readonly uuid: () => string;
  readonly rejections: Pick<RejectionLog, 'write'>;
  /** The configured paths of the sources. */
  readonly sourcePaths: () => readonly string[];
}

/** Dependencies that do not belong to the sources of one configuration. */
type SharedDeps = Omit<AppDeps, 'authentication'>;

/** The outcome label for every error status that a delivery is answered with. */
const OUTCOMES: Readonly<Record<number, DeliveryOutcome>> = {
  400: 'undecodable',
  401: 'unauthenticated',
  404: 'not_allowed',
  405: 'not_allowed',
  408: 'timeout',
  413: 'too_large',
  415: 'undecodable',
  422: 'invalid',
  429: 'rate_limited',
  431: 'too_large',
};

/** Errors that occur in thousands, and whose onset has a log line of its own. */
const LOGGED_ONCE: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'QUARANTINE_FULL']);

/** Routes are tested one by one: there are only a handful, and a router's table costs a delivery 4 % of its time. */
interface Route {
  readonly path: RegExp;
  readonly take: Middleware;
}

/**
 * Returns the ingest routes as one middleware: every source on its path, and the health endpoints. It answers its own
 * errors and passes every other path on, so that it can be mounted in any Koa application, before any body parser.
 */
export function createIngestRoutes(sources: readonly Source[], deps: AppDeps): Middleware {
  const { livez, readyz } = createHealth(deps);
  const routes: readonly Route[] = [
    { path: /^\/livez\/?$/i, take: answerHealth(livez, deps) },
    { path: /^\/readyz\/?$/i, take: answerHealth(readyz, deps) },
    ...sources.map((source) => ({ path: source.route, take: receive(source, deps) })),
  ];
  return (ctx, next) => {
    const { path } = ctx.request;
    const find = (wanted: string): Route | undefined =>
      routes.find((each) => each.path.test(wanted));
    const route = find(path);
    if (route !== undefined || !path.startsWith('//')) return route?.take(ctx, next) ?? next();
    // Senders join an address that ends in a slash with a path that begins with one.
    const single = path.replace(/^\/+/, '/');
    const meant = find(single);
    if (meant === undefined) return next();
    ctx.path = single;
    return meant.take(ctx, next);
  };
}

/** Creates the whole ingest application: the routes, and a problem for every other path. */
export function createApp(routes: Middleware, deps: SharedDeps): Koa {
  const app = new Koa();
  app.silent = true; // every error is logged where it is answered
  app.use(answerProblems(deps, 'unknown', (...refused) => observeUnknown(deps, ...refused)));
  app.use(rejectBadHead);
  app.use(routes);
  app.use(() => {
    throw new TrackbridgeError('NOT_FOUND', 'no source has this path');
  });
  return app;
}

function receive(source: Source, deps: AppDeps): Middleware {
  const { clock, firstBytes, log, uuid } = deps;
  const ingest = createIngest(source, deps);
  const { cors } = source.config;

  return async (ctx) => {
    const startedAt = firstBytes.of(ctx.req.socket);
    const requestId = uuid();
    ctx.set('x-request-id', requestId);
    if (cors !== undefined && ctx.method === 'OPTIONS') {
      answerPreflight(ctx, cors, source.methodsFor(subpathOf(source, ctx.path)));
      return;
    }
    // Closes the connection after this answer, so that it is gone when the drain ends.
    if (deps.isDraining()) ctx.set('connection', 'close');
    let outcome: DeliveryOutcome = 'accepted';
    let refusal: unknown;
    const delivery: ObservedDelivery = { id: requestId, source: source.name };
    // A HEAD request delivers nothing.
    if (ctx.method !== 'HEAD') began(deps, delivery, ctx);
    const answers = source.answersFor?.(subpathOf(source, ctx.path), ctx.method);
    try {
      if (cors !== undefined) allowOrigin(ctx, cors);
      const result = await ingest(ctx, delivery, startedAt);
      if ('status' in result) {
        // A request of the vendor's API, not a delivery: it brought no event.
        write(ctx, result);
        return;
      }
      if (answers !== undefined) write(ctx, answers.accepted(result));
      else {
        ctx.set('content-type', 'application/json; charset=utf-8');
        ctx.body = `{"status":"accepted","accepted":${result.accepted},"duplicates":${result.duplicates},"quarantined":${result.quarantined}}`;
      }
      if (log.isLevelEnabled('debug')) {
        log.debug(
          { requestId, source: source.name, method: ctx.method, ...result },
          'delivery accepted',
        );
      }
    } catch (error) {
      if (answers === undefined) answer(ctx, error);
      else write(ctx, rejectionOf(answers, error));
      outcome = outcomeOf(error);
      refusal = error;
      logRejection(deps, error, ctx, requestId, source.name);
    }
    if (ctx.method !== 'HEAD') {
      answered(deps, delivery, ctx, outcome, clock.monotonic() - startedAt, refusal);
    }
  };
}

function began(
  { clock, forwarded, observations }: SharedDeps,
  delivery: ObservedDelivery,
  ctx: Context,
): void {
  if (!observations.began.isObserved) return;
  const { httpVersion, rawHeaders } = ctx.req;
  observations.began.publish({
    delivery,
    at: clock.now(),
    method: ctx.method,
    // The URL as sent. `ctx.url` may have been rewritten.
    url: ctx.originalUrl,
    httpVersion,
    rawHeaders,
    remote: forwarded.addressOf(ctx.request),
  });
}

function answered(
  { observations }: SharedDeps,
  delivery: ObservedDelivery,
  { response }: Context,
  outcome: DeliveryOutcome,
  ms: number,
  refusal: unknown,
): void {
  if (!observations.answered.isObserved) return;
  const error = refusal === undefined ? undefined : knownError(refusal);
  observations.answered.publish({ delivery, outcome, ms, response, error });
}

/** Publishes a delivery that matches no source. A wrong URL in a vendor's settings shows up only here. */
function observeUnknown(deps: SharedDeps, ctx: Context, id: string, refusal: unknown): void {
  if (ctx.method === 'HEAD' || ctx.method === 'OPTIONS') return;
  const delivery: ObservedDelivery = { id, source: '' };
  began(deps, delivery, ctx);
  // Read before the clock, which runs on between two readings.
  const startedAt = deps.firstBytes.of(ctx.req.socket);
  const ms = deps.clock.monotonic() - startedAt;
  answered(deps, delivery, ctx, outcomeOf(refusal), ms, refusal);
}

function answerProblems(
  deps: SharedDeps,
  source: string,
  refused?: (ctx: Context, requestId: string, error: unknown) => void,
): Middleware {
  return async (ctx: Context, next: Next) => {
    try {
      await next();
    } catch (error) {
      answer(ctx, error);
      const requestId = deps.uuid();
      ctx.set('x-request-id', requestId);
      logRejection(deps, error, ctx, requestId, source);
      refused?.(ctx, requestId, error);
    }
    // A source has already set the id of its own delivery.
    if (!ctx.res.hasHeader('x-request-id')) ctx.set('x-request-id', deps.uuid());
  };
}

function answerHealth(
  report: (ctx: Context) => void | Promise<void>,
  deps: SharedDeps,
): Middleware {
  const problems = answerProblems(deps, 'health');
  return (ctx) =>
    problems(ctx, async () => {
      if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
        throw new TrackbridgeError('METHOD_NOT_ALLOWED', 'health accepts GET and HEAD', {
          headers: { allow: 'GET, HEAD' },
        });
      }
      await report(ctx);
    });
}

function outcomeOf(error: unknown): DeliveryOutcome {
  if (!(error instanceof TrackbridgeError)) return 'unavailable';
  return error.code === 'BODY_ABORTED' ? 'aborted' : (OUTCOMES[error.status] ?? 'unavailable');
}

/** Writes a problem to the response. */
function answer(ctx: Context, error: unknown): void {
  write(ctx, problemOf(error));
}

function rejectionOf(answers: Answers, error: unknown): Answer {
  const known = knownError(error);
  return answers.rejected(known, retryAfterOf(known));
}

function write(ctx: Context, { status, headers, body }: Answer): void {
  ctx.status = status;
  ctx.set(headers);
  ctx.body = body;
  // Koa guesses a content type if the answer sets none.
  if (headers['content-type'] === undefined) ctx.remove('content-type');
}

function logRejection(
  { forwarded, log, rejections, sourcePaths }: SharedDeps,
  error: unknown,
  ctx: Context,
  requestId: string,
  source: string,
): void {
  const known = error instanceof TrackbridgeError;
  const { code, message, status } = knownError(error);
  const shared = { source, status, code };
  const cause = known && error.cause !== undefined ? { cause: messageOf(error.cause) } : {};
  const path = code === 'NOT_FOUND' ? { path: familiarPath(ctx.path, sourcePaths()) } : {};
  const remote = forwarded.addressOf(ctx.request);
  const own = { requestId, method: ctx.method, remote, ...path, ...cause };
  if (LOGGED_ONCE.has(code)) {
    log.debug({ ...shared, ...own }, message);
    return;
  }
  const level = status >= 500 ? 'error' : 'warn';
  const kind = `${source}:${code}`;
  if (known) rejections.write({ level, kind, shared, own, text: message });
  else {
    const text = 'an unexpected error; the sender will retry';
    rejections.write({ level, kind, shared, own: { ...own, err: error }, text });
  }
}
