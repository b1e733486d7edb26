import Router from '@koa/router';
import Koa from 'koa';
import { type Clock, timeLimit, within } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import type { SinkState } from '../dispatch/health.js';
import { createHealth } from '../http/health.js';
import { problemOf } from '../http/problem.js';
import { rejectBadHead } from '../http/request-line.js';
import type { DeadLetter, Entries, Quarantined } from '../outbox/entries.js';
import type { Intake } from '../outbox/intake.js';
import type { MemberState, OutboxStats, Statistics } from '../outbox/statistics.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { RejectionLog } from '../telemetry/rejection-log.js';
import { ageOf } from './age.js';
import { authorize, type Credentials } from './authorize.js';
import { type BackupRoutesDeps, backupRoutes } from './backup-routes.js';
import { BROWSER_HEADERS, refuseForms, refuseOtherSites } from './browser.js';
import { type DeliveryActionsDeps, deliveryActions } from './delivery-actions.js';
import { type DeliveryRoutesDeps, deliveryRoutes } from './delivery-routes.js';
import { entryRoutes } from './entry-routes.js';
import { type LiveRouteDeps, liveRoute } from './live-route.js';
import { pageRoutes } from './page-routes.js';
import { type ParityRoutesDeps, parityRoutes } from './parity-routes.js';
import { type ReloadRouteDeps, reloadRoute } from './reload-route.js';
import { type ReplayRoutesDeps, replayRoutes } from './replay-routes.js';
import { replayDeadLetters, replayQuarantine } from './replays.js';
import { publishedSchemas } from './schema-files.js';
import { type SinkRoutesDeps, sinkRoutes } from './sink-routes.js';

export interface AdminDeps {
  /** Who may use the admin API. */
  readonly credentials: Credentials;
  /** The configured URL at which browsers reach this listener. */
  readonly url?: string;
  readonly outbox: Entries &
    Statistics &
    Pick<Intake, 'probe' | 'requeue'> &
    SinkRoutesDeps['outbox'] &
    BackupRoutesDeps &
    ReplayRoutesDeps;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly rejections: Pick<RejectionLog, 'write'>;
  readonly uuid: () => string;
  readonly isDraining: () => boolean;
  /** Returns each source and whether its deliveries are authenticated. */
  readonly sourceStates: () => readonly JsonObject[];
  /** Returns the current state of each sink in the dispatcher, by name. */
  readonly sinkStates: () => ReadonlyMap<string, SinkState>;
  readonly setPaused: SinkRoutesDeps['setPaused'];
  readonly reload: ReloadRouteDeps['reload'];
  /** Returns the bytes of the outbox on its disk; undefined if it has no file. */
  readonly outboxBytes: () => number | undefined;
  /**
   * Makes a quarantined event canonical under the current configuration and accepts it. Rejects if it is still invalid.
   */
  readonly replayQuarantined: (entry: Quarantined) => Promise<void>;
  /** The comparisons. If absent, there are none. */
  readonly comparisons?: ParityRoutesDeps;
  /** The recorded deliveries. If absent, none are shown. */
  readonly inspect?: DeliveryRoutesDeps & DeliveryActionsDeps & LiveRouteDeps;
}

/** How long a read of the outbox may take, in milliseconds. */
const READ_WITHIN = 5_000;

/**
 * Creates the admin API on its own listener: health, metrics, the AsyncAPI description, stats, dead letters,
 * quarantine.
 */
export function createAdminApp(deps: AdminDeps): Koa {
  const app = new Koa();
  app.silent = true; // every error is logged where it is answered
  const health = createHealth(deps);
  const open = new Router();
  open.get('/livez', (ctx) => health.livez(ctx));
  open.get('/readyz', (ctx) => health.readyz(ctx));
  pageRoutes(open);
  app.use(answerProblems(deps));
  app.use(rejectBadHead);
  app.use(open.routes());
  app.use(refuseOtherSites(deps.url));
  app.use(authorize(deps.credentials, deps.clock));
  app.use(answerInTime);
  const router = adminRoutes(deps);
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

/** Answers read-only requests in time or not at all: operators look precisely while the disk hangs. */
const answerInTime: Koa.Middleware = (ctx, next) => {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
  return within(next(), timeLimit(READ_WITHIN), () => {
    throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'the outbox does not answer; check its disk');
  });
};

function adminRoutes(deps: AdminDeps): Router {
  const { clock, metrics, outbox } = deps;
  const router = new Router();
  // Mounted before every route, present or future.
  router.use(refuseForms);
  // All callers share one read in progress: scrapes must not pile up behind a disk that hangs.
  let reading: Promise<OutboxStats> | undefined;
  const readStats = (): Promise<OutboxStats> => {
    reading ??= outbox.stats().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  router.get('/metrics', async (ctx) => {
    const stats = await readStats();
    const states = deps.sinkStates();
    const text = await metrics.render({
      isElsewhere: (await outbox.members())[0]?.isSelf === false,
      pending: stats.pending,
      inQuarantine: stats.inQuarantine,
      sinks: stats.sinks.map((sink) => ({
        name: sink.name,
        pending: sink.pending,
        maxPending: sink.maxPending,
        oldestAge: ageOf(sink.oldestReceivedAt, clock) / 1000,
        deadLetters: sink.deadLetters,
        circuit: states.get(sink.name)?.circuit ?? 'closed',
        isPaused: sink.paused,
      })),
      outboxBytes: deps.outboxBytes() ?? 0,
      comparisons: (await deps.comparisons?.parity.states()) ?? [],
    });
    ctx.set('content-type', metrics.contentType);
    ctx.body = text;
  });
  for (const [path, file] of publishedSchemas()) {
    router.get(path, (ctx) => {
      ctx.set('content-type', file.type);
      ctx.body = file.text;
    });
  }
  router.get('/api/stats', async (ctx) => {
    ctx.body = statsOf(await readStats(), await outbox.members(), deps);
  });
  sinkRoutes(router, deps);
  backupRoutes(router, outbox);
  reloadRoute(router, deps);
  parityRoutes(router, deps.comparisons);
  replayRoutes(router, outbox);
  entryRoutes<DeadLetter>(router, {
    path: '/api/dead-letters',
    store: outbox.deadLetters,
    summary: summarizeDeadLetter,
    detail: (entry) => ({
      ...summarizeDeadLetter(entry, true),
      attempts: entry.attempts.map(({ at, ...attempt }) => ({ at: iso(at), ...attempt })),
    }),
    replay: () => replayDeadLetters(outbox.deadLetters),
  });
  entryRoutes<Quarantined>(router, {
    path: '/api/quarantine',
    store: outbox.quarantine,
    summary: summarizeQuarantined,
    detail: (entry) => summarizeQuarantined(entry, true),
    replay: () => replayQuarantine(deps.replayQuarantined),
  });
  if (deps.inspect !== undefined) {
    deliveryRoutes(router, deps.inspect);
    deliveryActions(router, deps.inspect);
    liveRoute(router, deps.inspect);
  }
  return router;
}

function statsOf(stats: OutboxStats, members: readonly MemberState[], deps: AdminDeps): JsonObject {
  const states = deps.sinkStates();
  return {
    accepted: stats.accepted,
    duplicates: stats.duplicates,
    quarantined: stats.quarantined,
    inQuarantine: stats.inQuarantine,
    pending: stats.pending,
    ...(members.length === 0 ? {} : { members: members.map(memberOf) }),
    sources: [...deps.sourceStates()],
    sinks: stats.sinks.map((sink) => ({
      name: sink.name,
      pending: sink.pending,
      maxPending: sink.maxPending,
      full: sink.full,
      oldestAgeMs: ageOf(sink.oldestReceivedAt, deps.clock),
      delivered: sink.delivered,
      filtered: sink.filtered,
      discarded: sink.discarded,
      missed: sink.missed,
      deadLetters: sink.deadLetters,
      ...stateOf(states.get(sink.name)),
    })),
    former: stats.former.map(({ missed, name, oldestReceivedAt, pending }) => ({
      name,
      pending,
      ...(oldestReceivedAt === undefined ? {} : { oldestReceivedAt: iso(oldestReceivedAt) }),
      missed,
    })),
  };
}

function memberOf({
  name,
  role,
  isSelf,
  partitions,
  silentFor,
  startedAt,
}: MemberState): JsonObject {
  return { name, role, isSelf, partitions, silentForMs: silentFor, startedAt: iso(startedAt) };
}

function stateOf(state: SinkState | undefined): JsonObject {
  return state === undefined ? {} : { ...state, circuitSince: iso(state.circuitSince) };
}

function summarizeDeadLetter(entry: DeadLetter, withPayload: boolean): JsonObject {
  const { error = null, farSide } = entry.attempts.at(-1) ?? {};
  const event = storedJson(entry.json);
  const { messageId = null, type = null } = isObject(event) ? event : {};
  return {
    id: entry.id,
    sink: entry.sink,
    at: iso(entry.at),
    messageId,
    type,
    attemptCount: entry.attempts.length,
    error,
    // The far side's answer may repeat the payload.
    ...(withPayload && farSide !== undefined ? { farSide } : {}),
    ...(withPayload ? { event } : {}),
  };
}

function summarizeQuarantined(entry: Quarantined, withPayload: boolean): JsonObject {
  return {
    id: entry.id,
    source: entry.source,
    deliveryId: entry.deliveryId,
    receivedAt: iso(entry.receivedAt),
    reason: entry.reason,
    errors: entry.errors.map(({ path, message }) => ({ path, message })),
    ...(withPayload
      ? {
          event: storedJson(entry.raw),
          delivery: storedJson(entry.delivery),
        }
      : {}),
  };
}

/** Returns a stored JSON value, or its text if the disk garbled it, so that one entry does not hide all others. */
function storedJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function answerProblems(deps: AdminDeps): Koa.Middleware {
  return async (ctx, next) => {
    const requestId = deps.uuid();
    ctx.set({ ...BROWSER_HEADERS, 'x-request-id': requestId });
    try {
      await next();
      refuseUnanswered(ctx);
    } catch (error) {
      const known = problemFromKoa(error);
      const problem = problemOf(known);
      ctx.status = problem.status;
      ctx.set(problem.headers);
      ctx.body = problem.body;
      logRejection(deps, known, problem.status, { requestId, method: ctx.method });
    }
  };
}

function logRejection(
  { rejections }: AdminDeps,
  error: unknown,
  status: number,
  own: { readonly requestId: string; readonly method: string },
): void {
  const code = error instanceof TrackbridgeError ? error.code : 'INTERNAL';
  const shared = { listener: 'admin', status, code };
  const kind = `admin:${code}`;
  if (error instanceof TrackbridgeError) {
    rejections.write({ level: 'warn', kind, shared, own, text: error.message });
  } else {
    const text = 'unexpected error on the admin listener';
    rejections.write({ level: 'error', kind, shared, own: { ...own, err: error }, text });
  }
}

/** Answers requests that matched no route. The router knows whether the path or the method was wrong. */
function refuseUnanswered(ctx: Koa.Context): void {
  if (ctx.status === 404 && ctx.body === undefined) {
    throw new TrackbridgeError('NOT_FOUND', 'the admin API has no such path');
  }
  if (ctx.status === 405 || ctx.status === 501) {
    const allow = ctx.response.get('allow');
    const detail = `the admin API does not allow ${ctx.method} at this path`;
    throw new TrackbridgeError(
      'METHOD_NOT_ALLOWED',
      detail,
      allow === '' ? {} : { headers: { allow } },
    );
  }
}

/** Maps koa-body's errors about a body to problems of the caller, since they are not faults of the receiver. */
function problemFromKoa(error: unknown): unknown {
  if (error instanceof TrackbridgeError || !(error instanceof Error)) return error;
  const { status, code } = error as { status?: unknown; code?: unknown };
  if (status === 413) {
    return new TrackbridgeError('BODY_TOO_LARGE', 'the body is larger than 1 MB', { cause: error });
  }
  if (status === 415) {
    return new TrackbridgeError(
      'CODING_UNKNOWN',
      'send the body with gzip, deflate or br, or uncompressed',
      {
        cause: error,
      },
    );
  }
  // Corrupt gzip is reported as zlib's own error, which has no status.
  if (status !== 400 && !(typeof code === 'string' && code.startsWith('Z_'))) return error;
  return new TrackbridgeError('BODY_MALFORMED', 'the body is not valid JSON', { cause: error });
}
