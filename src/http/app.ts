import Koa, { type Context, type Middleware, type Next } from 'koa';
import { type ErrorCode, messageOf, TrackbridgeError } from '../errors.js';
import type { DeliveryRecorder } from '../inspect/recorder.js';
import type { Tape } from '../inspect/tape.js';
import type { Answer, Dialect, Source } from '../sources/source.js';
import type { Log } from '../telemetry/log.js';
import type { DeliveryOutcome, Metrics } from '../telemetry/metrics.js';
import { allowOrigin, answerPreflight } from './cors.js';
import type { FirstBytes } from './first-byte.js';
import { createHealth } from './health.js';
import { belowOf, createIngest, type IngestDeps } from './ingest.js';
import { knownError, problemOf, retryAfterOf } from './problem.js';
import { refuseBadTarget } from './target.js';

export interface AppDeps extends IngestDeps {
  readonly firstBytes: FirstBytes;
  readonly outbox: IngestDeps['outbox'] & { probe(): Promise<void> };
  readonly metrics: Metrics;
  readonly log: Log;
  /** Absent where there is no inspector; asked once a delivery. */
  readonly recorder?: DeliveryRecorder;
}

/** The outcome label of every status that the contract's table of answers refuses a delivery with. */
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

/** Of an address in a log line: any IPv6 address with its zone is shorter. */
const LONGEST_ADDRESS = 64;

/** What comes in thousands when it comes, and has a line of its own when it begins. */
const SAID_ONCE: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'QUARANTINE_FULL']);

/** One by one: there are a handful, and a router's table costs a delivery 4 % of its time. */
interface Route {
  readonly path: RegExp;
  readonly take: Middleware;
}

/**
 * The ingest routes as one middleware: every source on its path, and health. It answers its own errors, and lets every
 * other path pass, so that it can be mounted in anybody's Koa application, before any body parser.
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
    const route = routes.find((each) => each.path.test(path));
    return route === undefined ? next() : route.take(ctx, next);
  };
}

/** The whole ingest application: the routes, and a problem for every other path. */
export function createApp(routes: Middleware, deps: AppDeps): Koa {
  const app = new Koa({ proxy: deps.server.trustProxy });
  app.silent = true; // every error is logged where it is answered
  app.use(answerProblems(deps, 'unknown', (...refused) => recordUnknown(deps, ...refused)));
  app.use(refuseBadTarget);
  app.use(routes);
  app.use((ctx) => {
    throw new TrackbridgeError('NOT_FOUND', `no source has the path ${printablePath(ctx.path)}`);
  });
  return app;
}

function receive(source: Source, deps: AppDeps): Middleware {
  const { clock, firstBytes, log, uuid } = deps;
  const metrics = deps.metrics.source(source.name);
  const ingest = createIngest(source, deps, metrics);
  const { cors } = source.config;

  return async (ctx) => {
    const startedAt = firstBytes.of(ctx.req.socket);
    const requestId = uuid();
    ctx.set('x-request-id', requestId);
    if (cors !== undefined && ctx.method === 'OPTIONS') {
      answerPreflight(ctx, cors, source.methodsFor(belowOf(source, ctx.path)));
      return;
    }
    // The connection is not used again, so that it is gone when the drain is over.
    if (deps.isDraining()) ctx.set('connection', 'close');
    let outcome: DeliveryOutcome = 'accepted';
    let refusal: unknown;
    const tape =
      ctx.method === 'HEAD'
        ? undefined
        : begin(deps.recorder, source.name, requestId, ctx, clock.now());
    const dialect = source.dialectFor?.(belowOf(source, ctx.path), ctx.method);
    try {
      if (cors !== undefined) allowOrigin(ctx, cors);
      const taken = await ingest(ctx, requestId, startedAt, tape);
      if ('status' in taken) {
        // Of the vendor's API, and no delivery: no event came with it.
        write(ctx, taken);
        return;
      }
      if (dialect !== undefined) write(ctx, dialect.taken(taken));
      else {
        ctx.set('content-type', 'application/json; charset=utf-8');
        ctx.body = `{"status":"accepted","accepted":${taken.accepted},"duplicates":${taken.duplicates},"quarantined":${taken.quarantined}}`;
      }
      if (log.isLevelEnabled('debug')) {
        log.debug(
          { requestId, source: source.name, method: ctx.method, ...taken },
          'delivery taken',
        );
      }
    } catch (error) {
      if (dialect === undefined) answer(ctx, error);
      else write(ctx, refusalOf(dialect, error));
      outcome = outcomeOf(error);
      refusal = error;
      logRefusal(log, error, ctx, { requestId, source: source.name });
    }
    // HEAD asks and delivers nothing.
    if (ctx.method === 'HEAD') return;
    const ms = clock.monotonic() - startedAt;
    metrics.delivery(outcome, ms);
    if (tape !== undefined) end(tape, ctx, outcome, ms, refusal);
  };
}

/** A tape of the delivery, where anybody wants one. */
function begin(
  recorder: DeliveryRecorder | undefined,
  source: string,
  id: string,
  ctx: Context,
  at: number,
): Tape | undefined {
  if (recorder?.wanted !== true) return undefined;
  const { httpVersion, rawHeaders, url = '' } = ctx.req;
  const remote = ctx.ip.slice(0, LONGEST_ADDRESS);
  return recorder.begin({
    id,
    at,
    source,
    method: ctx.method,
    url,
    httpVersion,
    rawHeaders,
    remote,
  });
}

function end(
  tape: Tape,
  ctx: Context,
  outcome: DeliveryOutcome,
  ms: number,
  refusal: unknown,
): void {
  const error = refusal === undefined ? undefined : knownError(refusal);
  tape.answered({
    status: ctx.status,
    headers: ctx.response.headers,
    body: ctx.body,
    ms,
    outcome,
    ...(error === undefined ? {} : { code: error.code, detail: error.message }),
  });
}

/** A tape of what no source takes: a wrong URL in a vendor's settings looks like this, and like nothing else. */
function recordUnknown(deps: AppDeps, ctx: Context, requestId: string, refusal: unknown): void {
  if (ctx.method === 'HEAD' || ctx.method === 'OPTIONS') return;
  const tape = begin(deps.recorder, '', requestId, ctx, deps.clock.now());
  if (tape === undefined) return;
  const ms = deps.clock.monotonic() - deps.firstBytes.of(ctx.req.socket);
  end(tape, ctx, outcomeOf(refusal), ms, refusal);
}

function answerProblems(
  deps: AppDeps,
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
      logRefusal(deps.log, error, ctx, { requestId, source });
      refused?.(ctx, requestId, error);
    }
    // Sources set their delivery's own.
    if (!ctx.res.hasHeader('x-request-id')) ctx.set('x-request-id', deps.uuid());
  };
}

function answerHealth(report: (ctx: Context) => void | Promise<void>, deps: AppDeps): Middleware {
  const problems = answerProblems(deps, 'health');
  return (ctx) =>
    problems(ctx, async () => {
      if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
        throw new TrackbridgeError('METHOD_NOT_ALLOWED', 'health takes GET and HEAD', {
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

/** Puts a problem on the wire. */
function answer(ctx: Context, error: unknown): void {
  write(ctx, problemOf(error));
}

function refusalOf(dialect: Dialect, error: unknown): Answer {
  const known = knownError(error);
  return dialect.refused(known, retryAfterOf(known));
}

function write(ctx: Context, { status, headers, body }: Answer): void {
  ctx.status = status;
  ctx.set(headers);
  ctx.body = body;
  // Koa guesses one where an answer means to have none.
  if (headers['content-type'] === undefined) ctx.remove('content-type');
}

function logRefusal(
  log: Log,
  error: unknown,
  ctx: Context,
  names: { readonly requestId: string; readonly source: string },
): void {
  // Behind a proxy that `server.trustProxy` says to believe, `ctx.ip` is what the sender calls its address: any text.
  const remote = ctx.ip.slice(0, LONGEST_ADDRESS);
  const fields = { ...names, method: ctx.method, status: ctx.status, remote };
  if (error instanceof TrackbridgeError) {
    const { code, cause } = error;
    const level = SAID_ONCE.has(code) ? 'debug' : error.status >= 500 ? 'error' : 'warn';
    const why = cause === undefined ? {} : { cause: messageOf(cause) };
    log[level]({ ...fields, code, ...why }, error.message);
  } else {
    log.error({ ...fields, err: error }, 'an unexpected error; the sender will try again');
  }
}

/** A path as it may stand in a log line or an answer: printable, and not longer than it helps. */
function printablePath(path: string): string {
  return JSON.stringify(path.slice(0, 100));
}
