import type { Socket } from 'node:net';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import type { ServerConfig } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import type { Observations } from '../core/observe.js';
import { createCanonicalizer } from '../event/canonicalizer.js';
import { Deadlines } from '../http/deadline.js';
import { createForwarded, type Forwarded } from '../http/forwarded.js';
import { watchLoopDelay } from '../http/loop-delay.js';
import { Admission } from '../ingest/admission.js';
import type { Check } from '../ingest/checks/check.js';
import { createChecks } from '../ingest/checks/checks.js';
import { type AppDeps, createApp, createIngestRoutes } from '../ingest/routes.js';
import { Pace, Turns } from '../ingest/turns.js';
import { watchUnreadable } from '../ingest/unreadable-timestamps.js';
import type { Source } from '../sources/source.js';
import type { Log } from '../telemetry/log.js';
import type { Listeners } from './listeners.js';

export interface ReceivingDeps
  extends Pick<AppDeps, 'isDraining' | 'outbox' | 'rejections' | 'uuid'> {
  readonly checks: readonly Check[];
  readonly listeners: Listeners;
  readonly clock: Clock;
  readonly log: Log;
  readonly observations: Observations;
}

/** The part of receiving that a reload replaces. */
export interface ReceivingSetup extends Pick<AppDeps, 'authentication' | 'takeRate'> {
  /** The limits of this process. */
  readonly server: ServerConfig;
  readonly sources: readonly Source[];
}

/** The part of a process that receives deliveries: from their bytes to the outbox and the answer. */
export interface Receiving {
  readonly app: Koa;
  /** The ingest routes. Every other path passes through. */
  readonly routes: Middleware;
  /** Receives for these sources from now on. Requests in progress go on as they began. */
  replace(setup: ReceivingSetup): void;
  start(): void;
  stop(): void;
}

export function createReceiving(
  initial: ReceivingSetup,
  { listeners, ...deps }: ReceivingDeps,
): Receiving {
  const { clock, log, observations } = deps;
  const loopDelay = watchLoopDelay();
  const admission = new Admission({
    server: initial.server,
    clock,
    log,
    observations,
    loopDelay: loopDelay.read,
    random: Math.random,
  });
  const lasting = {
    ...deps,
    admission,
    turns: new Turns(),
    pace: new Pace(),
    stalls: listeners.stalls,
    firstBytes: listeners.firstBytes,
    deadlines: new Deadlines(clock),
    trust: (socket: Socket) => listeners.trust(socket),
  };
  const route = ({ sources, ...setup }: ReceivingSetup) => {
    const forwarded = createForwarded(setup.server.trustProxy);
    const paths = sources.map(({ config }) => config.path);
    const all: AppDeps = { ...lasting, ...setup, forwarded, sourcePaths: () => paths };
    return { all, routes: createIngestRoutes(sources, all) };
  };
  let current = route(initial);
  const routes: Middleware = (ctx, next) => current.routes(ctx, next);
  const forwarded: Forwarded = {
    addressOf: (request) => current.all.forwarded.addressOf(request),
    originOf: (request) => current.all.forwarded.originOf(request),
  };
  return {
    app: createApp(routes, {
      ...current.all,
      forwarded,
      sourcePaths: () => current.all.sourcePaths(),
    }),
    routes,
    replace(setup) {
      admission.configure(setup.server);
      current = route(setup);
    },
    start() {
      loopDelay.start();
      admission.start();
    },
    stop() {
      admission.stop();
      loopDelay.stop();
    },
  };
}

/** Creates the checks of events. `bridgeId` returns the name of this receiver in events that it has forwarded. */
export function createEventChecks(deps: {
  readonly uuid: () => string;
  readonly bridgeId: () => string;
  readonly log: Log;
  readonly observations: Observations;
}): readonly Check[] {
  const { bridgeId, log, observations, uuid } = deps;
  return createChecks({
    canonicalize: createCanonicalizer(),
    uuid,
    bridgeId,
    onUnreadable: watchUnreadable({ log, observations }),
  });
}
