import Router from '@koa/router';
import Koa from 'koa';
import { type Clock, within } from '../clock.js';
import type { SinkState } from '../dispatch/health.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { JsonObject } from '../event/event.js';
import { createHealth } from '../http/health.js';
import { problemOf } from '../http/problem.js';
import { refuseBadTarget } from '../http/target.js';
import {
  type DeadLetter,
  FAR_SIDE_SAID,
  type Outbox,
  type OutboxStats,
  type Quarantined,
} from '../outbox/outbox.js';
import type { Log } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { ageOf } from './age.js';
import { authorize, type Credentials } from './authorize.js';
import { BROWSER_HEADERS, refuseForms, refuseOtherSites } from './browser.js';
import { type DeliveryActionsDeps, deliveryActions } from './delivery-actions.js';
import { type DeliveryRoutesDeps, deliveryRoutes } from './delivery-routes.js';
import { type LiveRouteDeps, liveRoute } from './live-route.js';
import { pageRoutes } from './page-routes.js';
import { publishedSchemas } from './schema-files.js';
import { shelfRoutes } from './shelf-routes.js';

export interface AdminDeps {
  /** Who may use it. */
  readonly credentials: Credentials;
  readonly outbox: Outbox;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly uuid: () => string;
  readonly isDraining: () => boolean;
  /** Each source and whether its deliveries verify. */
  readonly sourceStates: () => readonly JsonObject[];
  /** What the dispatcher says of each sink now, by name. */
  readonly sinkStates: () => ReadonlyMap<string, SinkState>;
  /** Makes a quarantined event canonical under the configuration of now and accepts it; rejects where it still is not valid. */
  readonly replayQuarantined: (entry: Quarantined) => Promise<void>;
  /** What is recorded of deliveries; absent: nothing of them is shown. */
  readonly inspect?: DeliveryRoutesDeps & DeliveryActionsDeps & LiveRouteDeps;
}

/** How long reading the outbox may take, milliseconds. */
const READ_WITHIN = 5_000;

/** The admin API on its own listener: health, metrics, the AsyncAPI description, stats, dead letters, quarantine. */
export function createAdminApp(deps: AdminDeps): Koa {
  const app = new Koa();
  app.silent = true; // every error is logged where it is answered
  const health = createHealth(deps);
  const open = new Router();
  open.get('/livez', (ctx) => health.livez(ctx));
  open.get('/readyz', (ctx) => health.readyz(ctx));
  pageRoutes(open);
  app.use(answerProblems(deps));
  app.use(refuseBadTarget);
  app.use(open.routes());
  app.use(refuseOtherSites);
  app.use(authorize(deps.credentials, deps.clock));
  app.use(answerInTime);
  const router = adminRoutes(deps);
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}

/** What only reads answers soon or not at all: while the disk hangs is when an operator looks. */
const answerInTime: Koa.Middleware = (ctx, next) => {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return next();
  return within(next(), AbortSignal.timeout(READ_WITHIN), () => {
    return new TrackbridgeError(
      'OUTBOX_UNAVAILABLE',
      'the outbox does not answer; its disk may hang',
    );
  });
};

function adminRoutes(deps: AdminDeps): Router {
  const { clock, metrics, outbox } = deps;
  const router = new Router();
  // Ahead of every route there is, and of every one to come.
  router.use(refuseForms);
  // One reading for all who ask meanwhile: scrapes must not pile up behind a disk that hangs.
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
      pending: stats.pending,
      inQuarantine: stats.inQuarantine,
      sinks: stats.sinks.map((sink) => ({
        name: sink.name,
        pending: sink.pending,
        oldestAge: ageOf(sink.oldestReceivedAt, clock) / 1000,
        deadLetters: sink.deadLetters,
        circuit: states.get(sink.name)?.circuit ?? 'closed',
      })),
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
    ctx.body = statsOf(await readStats(), deps);
  });
  shelfRoutes<DeadLetter>(router, {
    path: '/api/dead-letters',
    shelf: outbox.deadLetters,
    summary: summarizeDeadLetter,
    detail: (entry) => ({
      ...summarizeDeadLetter(entry, true),
      attempts: entry.attempts.map(({ at, error }) => ({ at: iso(at), error })),
    }),
    async replay(entries) {
      return { replayed: await outbox.deadLetters.replay(entries.map(({ id }) => id)), errors: [] };
    },
  });
  shelfRoutes<Quarantined>(router, {
    path: '/api/quarantine',
    shelf: outbox.quarantine,
    summary: summarizeQuarantined,
    detail: (entry) => summarizeQuarantined(entry, true),
    replay: (entries) => replayEach(entries, deps.replayQuarantined),
  });
  if (deps.inspect !== undefined) {
    deliveryRoutes(router, deps.inspect);
    deliveryActions(router, deps.inspect);
    liveRoute(router, deps.inspect);
  }
  return router;
}

async function replayEach(
  entries: readonly Quarantined[],
  replay: (entry: Quarantined) => Promise<void>,
): Promise<{ replayed: number; errors: string[] }> {
  let replayed = 0;
  const errors: string[] = [];
  for (const entry of entries) {
    try {
      await replay(entry);
      replayed++;
    } catch (error) {
      errors.push(`${entry.id}: ${messageOf(error)}`);
    }
  }
  return { replayed, errors };
}

function statsOf(stats: OutboxStats, deps: AdminDeps): JsonObject {
  const states = deps.sinkStates();
  return {
    accepted: stats.accepted,
    duplicates: stats.duplicates,
    quarantined: stats.quarantined,
    inQuarantine: stats.inQuarantine,
    pending: stats.pending,
    sources: [...deps.sourceStates()],
    sinks: stats.sinks.map((sink) => ({
      name: sink.name,
      pending: sink.pending,
      oldestAgeMs: ageOf(sink.oldestReceivedAt, deps.clock),
      settled: sink.delivered,
      deadLetters: sink.deadLetters,
      ...stateOf(states.get(sink.name)),
    })),
  };
}

function stateOf(state: SinkState | undefined): JsonObject {
  return state === undefined ? {} : { ...state, circuitSince: iso(state.circuitSince) };
}

function summarizeDeadLetter(entry: DeadLetter, withPayload: boolean): JsonObject {
  const error = entry.attempts.at(-1)?.error;
  const event = JSON.parse(entry.json) as JsonObject;
  return {
    id: entry.id,
    sink: entry.sink,
    at: iso(entry.at),
    messageId: event['messageId'] ?? null,
    type: event['type'] ?? null,
    attemptCount: entry.attempts.length,
    error: (withPayload ? error : error?.split(FAR_SIDE_SAID)[0]) ?? null,
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
          event: JSON.parse(entry.raw) as JsonObject,
          delivery: JSON.parse(entry.delivery) as JsonObject,
        }
      : {}),
  };
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
      const fields = { requestId, listener: 'admin', method: ctx.method, status: problem.status };
      if (known instanceof TrackbridgeError)
        deps.log.warn({ ...fields, code: known.code }, known.message);
      else deps.log.error({ ...fields, err: known }, 'an unexpected error on the admin listener');
    }
  };
}

/** Where no route has answered: the router knows whether it was the path or the method. */
function refuseUnanswered(ctx: Koa.Context): void {
  if (ctx.status === 404 && ctx.body === undefined) {
    throw new TrackbridgeError('NOT_FOUND', 'the admin API has nothing at this path');
  }
  if (ctx.status === 405 || ctx.status === 501) {
    const allow = ctx.response.get('allow');
    const detail = `the admin API does not take ${ctx.method} here`;
    throw new TrackbridgeError(
      'METHOD_NOT_ALLOWED',
      detail,
      allow === '' ? {} : { headers: { allow } },
    );
  }
}

/** koa-body's complaints about a body are the caller's fault, not ours. */
function problemFromKoa(error: unknown): unknown {
  if (error instanceof TrackbridgeError || !(error instanceof Error)) return error;
  const { status, code } = error as { status?: unknown; code?: unknown };
  if (status === 413) {
    return new TrackbridgeError('BODY_TOO_LARGE', 'the body is larger than 1 MB', { cause: error });
  }
  if (status === 415) {
    return new TrackbridgeError(
      'CODING_UNKNOWN',
      'send the body with gzip, deflate or br, or without',
      {
        cause: error,
      },
    );
  }
  // Broken gzip comes as zlib's own error, which has no status.
  if (status !== 400 && !(typeof code === 'string' && code.startsWith('Z_'))) return error;
  return new TrackbridgeError('BODY_MALFORMED', 'the body is not valid JSON', { cause: error });
}
