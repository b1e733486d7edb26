import type Koa from 'koa';
import type { Middleware } from 'koa';
import type { ServerConfig } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import type { Observations } from '../core/observe.js';
import { createCanonicalizer } from '../event/canonicalizer.js';
import { Deadlines } from '../http/deadline.js';
import { createForwarded } from '../http/forwarded.js';
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
  extends Pick<AppDeps, 'authentication' | 'outbox' | 'rejections' | 'takeRate' | 'uuid'> {
  /** The limits of this process. */
  readonly server: ServerConfig;
  readonly sources: readonly Source[];
  readonly checks: readonly Check[];
  readonly listeners: Listeners;
  readonly clock: Clock;
  readonly log: Log;
  readonly observations: Observations;
  readonly isDraining: () => boolean;
}

/** The part of a process that receives deliveries: from their bytes to the outbox and the answer. */
export interface Receiving {
  readonly app: Koa;
  /** The ingest routes. Every other path passes through. */
  readonly routes: Middleware;
  start(): void;
  stop(): void;
}

export function createReceiving({ listeners, sources, ...deps }: ReceivingDeps): Receiving {
  const { clock, log, observations, server } = deps;
  const loopDelay = watchLoopDelay();
  const admission = new Admission({
    server,
    clock,
    log,
    observations,
    loopDelay: loopDelay.read,
    random: Math.random,
  });
  const all: AppDeps = {
    ...deps,
    admission,
    turns: new Turns(),
    pace: new Pace(),
    stalls: listeners.stalls,
    firstBytes: listeners.firstBytes,
    deadlines: new Deadlines(clock),
    forwarded: createForwarded(server.trustProxy),
    trust: (socket) => listeners.trust(socket),
    sourcePaths: () => sources.map(({ config }) => config.path),
  };
  const routes = createIngestRoutes(sources, all);
  return {
    app: createApp(routes, all),
    routes,
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
