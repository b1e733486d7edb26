import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import type { OpenAdminDeps, OpenedAdmin } from '../admin/open.js';
import type { Config } from '../config/config.js';
import { secretTexts } from '../config/secrets/texts.js';
import { type Clock, every, systemClock, timeLimit, within } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { createObservations } from '../core/observe.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { createUuid7 } from '../event/uuid7.js';
import { connectionsWithin, openFilesLimit } from '../http/open-files.js';
import { createOutbox, outboxBytes } from '../outbox/registry.js';
import type { Role } from '../outbox/role.js';
import { countObservations } from '../telemetry/count.js';
import type { Log } from '../telemetry/log.js';
import { createMetrics } from '../telemetry/metrics.js';
import { logObserverFailure } from '../telemetry/observer-failure.js';
import { RejectionLog } from '../telemetry/rejection-log.js';
import type { WorkerPool } from './cluster/pool.js';
import { shareOf } from './cluster/share.js';
import { Listeners } from './listeners.js';
import { memberName } from './member.js';
import { createEventChecks, createReceiving } from './receiving.js';
import { createRunning } from './running.js';
import { shutDown } from './shutdown.js';
import { sinkSettings } from './sink-settings.js';
import { openTraces, type Traces } from './traces.js';

/** A receiver. It is started once and stopped once. Further calls of either return the promise of the first call. */
export interface Service {
  /** Returns a listener for a `node:http` server of your own. Call `start` before the server accepts requests. */
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * Returns a middleware for a Koa application of your own. Mount it before any body parser. Other paths pass through.
   */
  middleware(): Middleware;
  /**
   * Opens the outbox and the sinks, and listens if there is a `server` or `admin` section. Rejects with a
   * TrackbridgeError that says what to do; nothing is left running then.
   */
  start(): Promise<void>;
  /** Answers 503 to new requests, finishes those in flight, flushes, and closes everything within ten seconds. */
  stop(): Promise<void>;
  /** The ports of the listeners, once started. */
  readonly ports: { readonly server?: number; readonly admin?: number };
}

export interface ServiceOptions {
  /** Whether `start` listens on `server.host` and `server.port`. */
  readonly listen: boolean;
  /** What this process does with a shared store. Default: `all`. */
  readonly role?: Role;
  readonly log: Log;
  readonly clock?: Clock;
  /** Writes a line of a worker's log. If absent, this process cannot have workers, and `server.workers` must be 1. */
  readonly writeLogLine?: (line: string) => void;
}

/** How often the service checks for secrets that have become suspect, in milliseconds. */
const CHECK_EVERY = 1_000;

/**
 * The composition root: turns a resolved configuration into a receiver. The listeners and the store last as long as the
 * process. Everything that a reload replaces is in `running.ts`.
 */
export function createService(config: Config, options: ServiceOptions): Service {
  const { clock = systemClock, log, role = 'all', writeLogLine } = options;
  const { server } = config;
  const isShared = config.outbox.type === 'postgres';
  if (role !== 'all' && !isShared) throw noRoles(role);
  if (server.workers > 1 && writeLogLine === undefined) throw noWorkers(server.workers);
  const makeUuid = createUuid7();
  const uuid = (): string => makeUuid(clock.now());
  const observations = createObservations((error) => logObserverFailure(log, error));
  const metrics = createMetrics();
  countObservations(observations, metrics);
  const outbox = createOutbox(config.outbox, {
    clock,
    log,
    observer: metrics,
    role,
    member: memberName(config),
    onPaused: (sink, paused) => dispatcher?.setPaused(sink, paused),
  });
  const bridgeId = (): string => outbox.id;
  const rejections = new RejectionLog(clock, log);
  const openFiles = openFilesLimit();
  const wantedConnections = shareOf(server).maxConnections;
  const maxConnections = connectionsWithin(openFiles, wantedConnections);
  const listeners = new Listeners({ server, maxConnections, clock, uuid, rejections });
  const ports: { server?: number; admin?: number } = {};
  let draining = false;
  let admin: OpenedAdmin | undefined;
  let dispatcher: Dispatcher | undefined;
  let pool: WorkerPool | undefined;
  let traces: Traces | undefined;
  let stopChecking: (() => void) | undefined;

  const isDraining = (): boolean => draining;
  const checks = createEventChecks({ uuid, bridgeId, log, observations });
  const running = createRunning(config, {
    outbox,
    checks,
    clock,
    log,
    metrics,
    observations,
    bridgeId,
  });
  const { authentication, sources, takeRate } = running;
  const receiving = createReceiving({
    server,
    sources,
    checks,
    listeners,
    outbox,
    authentication,
    takeRate,
    clock,
    log,
    observations,
    rejections,
    uuid,
    isDraining,
  });

  const adminDeps: OpenAdminDeps = {
    config,
    secrets: secretTexts(config),
    receiverUrl: () => (ports.server === undefined ? undefined : ownUrl(server.host, ports.server)),
    outbox,
    metrics,
    observations,
    ...(outbox.exchange && { exchange: outbox.exchange }),
    clock,
    log,
    rejections,
    uuid,
    isDraining,
    outboxBytes: () => outboxBytes(config.outbox),
    sourceStates: running.sourceStates,
    sinkStates: running.sinkStates,
    setPaused: running.setPaused,
    replayQuarantined: running.replayQuarantined,
  };

  async function open(): Promise<void> {
    if (maxConnections < wantedConnections) {
      log.warn(
        { openFiles, maxConnections },
        'the limit of open files allows fewer connections than server.maxConnections; raise it, for instance with `ulimit -n`',
      );
    }
    // Members tell each other what they have recorded, whether or not they have an admin listener.
    if (config.admin !== undefined || outbox.exchange !== undefined) {
      admin = (await import('../admin/open.js')).openAdmin(adminDeps);
    }
    traces = await openTraces(config, {
      clock,
      log,
      observations,
      deliveries: server.workers === 1,
      attempts: true,
    });
    if (role !== 'receive') dispatcher = await running.openSinks();
    try {
      await outbox.open(sinkSettings(config, clock.now()));
      listeners.start();
      if (server.workers === 1) receiving.start();
      rejections.start();
      stopChecking = every(CHECK_EVERY, running.checkAuthentication);
      const { sinks } = await outbox.stats();
      for (const { name, paused } of sinks) dispatcher?.setPaused(name, paused);
      dispatcher?.start();
      admin?.start();
      if (config.admin !== undefined && admin !== undefined) {
        ports.admin = await listeners.listen('admin', admin.app, config.admin);
      }
      if (options.listen && role !== 'dispatch') {
        ports.server = await listen();
      }
    } catch (error) {
      // The reason why the start failed is the error to report. A failure to close afterwards is its consequence.
      await close().catch((cause: unknown) => log.warn({ err: cause }, 'not closed cleanly'));
      throw error;
    }
  }

  /** Receives deliveries in this process, or in workers. Resolves to the port. */
  async function listen(): Promise<number> {
    if (server.workers === 1 || writeLogLine === undefined) {
      return await listeners.listen('server', receiving.app, server);
    }
    const { WorkerPool } = await import('./cluster/pool.js');
    pool = new WorkerPool({
      config,
      clock,
      log,
      writeLogLine,
      outbox,
      observations,
      rejections,
      authentication,
      takeRate,
    });
    return await pool.listen();
  }

  /** Closes in the reverse order of `open`. New deliveries get 503 until those in flight are done. */
  async function close(): Promise<void> {
    draining = true;
    // Live streams last as long as their readers want, and the drain would wait for them.
    admin?.stop();
    const { budget } = server;
    const stopSinks = async (graceMs: number): Promise<void> => dispatcher?.stop(graceMs);
    const parts = {
      servers: pool === undefined ? [listeners] : [listeners, pool],
      budget,
      flush,
      stopSinks,
      stopTraces: async (ms: number) => traces?.stop(ms),
      outbox,
    };
    try {
      await shutDown(parts, clock);
    } finally {
      receiving.stop();
      listeners.stop();
      stopChecking?.();
      rejections.stop();
    }
  }

  /**
   * Delivers the last accepted events before the sinks stop, as far as the sinks accept them at once. Skips sinks that
   * are down or paused. The backlog of a shared store is not this process's alone, and others deliver it.
   */
  async function flush(milliseconds: number): Promise<void> {
    if (isShared) return;
    const signal = timeLimit(milliseconds);
    while (dispatcher !== undefined && !signal.aborted) {
      const stats = outbox.stats().catch(() => undefined);
      const pending = await within(stats, signal, () => undefined);
      if (pending === undefined) return;
      const idle = new Set(
        dispatcher
          .state()
          .flatMap(({ circuit, name, state }) =>
            circuit === 'open' || state === 'paused' ? name : [],
          ),
      );
      if (pending.sinks.every((sink) => sink.pending === 0 || idle.has(sink.name))) return;
      await clock.sleep(10, signal);
    }
  }

  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  return {
    callback: () => receiving.app.callback(),
    middleware: () => receiving.routes,
    start() {
      if (stopping !== undefined) {
        return Promise.reject(new TypeError('this receiver was stopped; create another'));
      }
      starting ??= open();
      return starting;
    },
    stop() {
      // A stop waits for a start in progress, so that the two never interleave. A failed start has closed everything.
      stopping ??= (starting ?? Promise.resolve()).then(close, () => undefined);
      return stopping;
    },
    ports,
  };
}

function noRoles(role: Role): TrackbridgeError {
  const message = `the role ${role} needs a store that processes share; set outbox.type to postgres, or leave the role out`;
  return new TrackbridgeError('CONFIG_INVALID', message, {
    errors: [{ path: '/outbox/type', message }],
  });
}

function noWorkers(workers: number): TrackbridgeError {
  const message = `server.workers is ${workers}, but a receiver inside another program is one process; set it to 1, or run \`trackbridge serve\``;
  return new TrackbridgeError('CONFIG_INVALID', message, {
    errors: [{ path: '/server/workers', message }],
  });
}

/** Returns the URL at which this machine reaches a listener. */
function ownUrl(host: string, port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
