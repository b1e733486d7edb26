import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import type { OpenAdminDeps, OpenedAdmin } from '../admin/open.js';
import type { Config } from '../config/config.js';
import { changesBetween, nextConfig, type ReloadReport } from '../config/reload.js';
import { secretTexts } from '../config/secrets/texts.js';
import { type Clock, every, systemClock, timeLimit, within, withinTime } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { createObservations } from '../core/observe.js';
import { createDispatcher, type Dispatcher } from '../dispatch/dispatcher.js';
import { createUuid7 } from '../event/uuid7.js';
import { connectionsWithin, openFilesLimit } from '../http/open-files.js';
import { createOutbox, outboxBytes } from '../outbox/registry.js';
import { ReplayDriver } from '../outbox/replay/driver.js';
import type { Role } from '../outbox/role.js';
import { countObservations } from '../telemetry/count.js';
import type { Log } from '../telemetry/log.js';
import { createMetrics } from '../telemetry/metrics.js';
import { logObserverFailure } from '../telemetry/observer-failure.js';
import { RejectionLog } from '../telemetry/rejection-log.js';
import type { WorkerPool } from './cluster/pool.js';
import { shareOf } from './cluster/share.js';
import { createComparisons } from './comparisons.js';
import { changedTls, readListenerTls } from './listener-tls.js';
import { Listeners } from './listeners.js';
import { memberName, ownFiles } from './member.js';
import { ownAddress } from './own-address.js';
import { createEventChecks, createReceiving, type ReceivingSetup } from './receiving.js';
import { type ReadConfig, Reloads } from './reload/reloads.js';
import { sinkPrints, sinksToRun } from './reload/sink-prints.js';
import { Running } from './running.js';
import { shutDown } from './shutdown.js';
import { sinkSettings } from './sink-settings.js';
import { closeSink, createSinks } from './sinks.js';
import { openTraces, type Traces } from './traces.js';
import { noFile, noRoles, noWorkers } from './unusable.js';

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
  /**
   * Reads another configuration and applies it as a whole: sources, secrets, sinks and limits. Requests in progress go
   * on under the earlier one. Resolves to what has changed, and to the settings that need a restart. Rejects with
   * CONFIG_INVALID, OUTBOX_UNAVAILABLE or DRAINING, and then nothing has changed. Reloads happen one after the other.
   */
  reload(read: ReadConfig): Promise<ReloadReport>;
  /** Answers 503 to new requests, finishes those in flight, flushes, and closes everything within ten seconds. */
  stop(): Promise<void>;
  /** The ports of the listeners, once started. A listener on a Unix socket has none. */
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
  /** Reads the configuration again for `POST /api/reload`. If absent, such requests are rejected. */
  readonly reread?: ReadConfig;
}

/** How often the service checks for secrets that have become suspect, in milliseconds. */
const CHECK_EVERY = 1_000;

/** How long a reload waits for sinks that finish their attempts, in milliseconds. They go on if it does not. */
const HANDOVER_WITHIN = 5_000;

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
  const { intake, parity } = createComparisons(config, outbox, { clock, log });
  const rejections = new RejectionLog(clock, log);
  const openFiles = openFilesLimit();
  const wantedConnections = shareOf(server).maxConnections;
  const maxConnections = connectionsWithin(openFiles, wantedConnections);
  const listeners = new Listeners({ server, maxConnections, clock, uuid, rejections });
  let tls = readListenerTls(config);
  const ports: { server?: number; admin?: number } = {};
  let draining = false;
  const stopReplays = new AbortController();
  let admin: OpenedAdmin | undefined;
  let dispatcher: Dispatcher | undefined;
  let pool: WorkerPool | undefined;
  let traces: Traces | undefined;
  let stopChecking: (() => void) | undefined;

  const isDraining = (): boolean => draining;
  const checks = createEventChecks({ uuid, bridgeId, log, observations });
  const shared = { outbox, checks, clock, log, metrics };
  let running = new Running(config, shared);
  running.takeOver();
  const ownSinks = (of: Config) => ownFiles(of.sinks, memberName(of));
  let prints = sinkPrints(ownSinks(config));
  const setup = (): ReceivingSetup => ({
    server: running.config.server,
    sources: running.sources,
    authentication: (source) => running.authentication(source),
    takeRate: (source, of) => running.takeRate(source, of),
  });
  const receiving = createReceiving(setup(), {
    checks,
    listeners,
    outbox: intake,
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
    receiver: () => ownAddress(server, ports.server, tls.server),
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
    sourceStates: () => running.sourceStates(),
    sinkStates: () => new Map((dispatcher?.state() ?? []).map((state) => [state.name, state])),
    setPaused,
    replayQuarantined: (entry) => running.replayQuarantined(entry),
    reload: () => reloads.reload(options.reread ?? noFile),
    ...(parity === undefined ? {} : { parity }),
  };

  async function setPaused(sink: string, paused: boolean): Promise<void> {
    await outbox.setPaused(sink, paused);
    dispatcher?.setPaused(sink, paused);
    log.info({ sink }, `an operator ${paused ? 'paused' : 'resumed'} the sink`);
  }

  const sinkDeps = (of: Config) => ({
    ...{ clock, log, bridgeId, metrics },
    sources: Object.keys(of.sources),
  });

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
      sources: () => running.config.sources,
      deliveries: server.workers === 1,
      attempts: true,
    });
    if (role !== 'receive') {
      const sinks = await createSinks(ownSinks(config), sinkDeps(config));
      dispatcher = createDispatcher({ outbox, sinks, clock, log, observations });
    }
    try {
      await outbox.open(sinkSettings(config, clock.now()));
      await parity?.open();
      listeners.start();
      if (server.workers === 1) receiving.start();
      rejections.start();
      stopChecking = every(CHECK_EVERY, () => running.checkAuthentication());
      metrics.configured(clock.now());
      const { sinks } = await outbox.stats();
      for (const { name, paused } of sinks) dispatcher?.setPaused(name, paused);
      dispatcher?.start();
      if (dispatcher !== undefined && outbox.replays !== undefined) {
        void new ReplayDriver({ replays: outbox.replays, clock, log }).run(stopReplays.signal);
      }
      admin?.start();
      if (config.admin !== undefined && admin !== undefined) {
        const port = await listeners.listen('admin', admin.app, config.admin, tls.admin);
        if (port !== undefined) ports.admin = port;
      }
      if (options.listen && role !== 'dispatch') {
        const port = await listen();
        if (port !== undefined) ports.server = port;
      }
    } catch (error) {
      // The reason why the start failed is the error to report. A failure to close afterwards is its consequence.
      await close().catch((cause: unknown) => log.warn({ err: cause }, 'not closed cleanly'));
      throw error;
    }
  }

  /** Receives deliveries in this process, or in workers. Resolves to the port, if there is one. */
  async function listen(): Promise<number | undefined> {
    if (server.workers === 1 || writeLogLine === undefined) {
      return await listeners.listen('server', receiving.app, server, tls.server);
    }
    const { WorkerPool } = await import('./cluster/pool.js');
    pool = new WorkerPool({
      config,
      tls: tls.server,
      clock,
      log,
      writeLogLine,
      outbox: intake,
      observations,
      rejections,
      authentication: (source) => running.findAuthentication(source),
      takeRate: (source, of) => running.takeRate(source, of),
    });
    return await pool.listen();
  }

  /** Closes in the reverse order of `open`. New deliveries get 503 until those in flight are done. */
  async function close(): Promise<void> {
    draining = true;
    stopReplays.abort();
    // Live streams last as long as their readers want, and the drain would wait for them.
    admin?.stop();
    const { budget } = running.config.server;
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
      await parity?.close();
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

  /** Applies what `read` returns. From the point where the outbox has other sinks, nothing can fail. */
  async function apply(read: ReadConfig): Promise<ReloadReport> {
    const { config: written, warnings } = read();
    const before = running;
    const next = nextConfig(before.config, written);
    const nextTls = readListenerTls(next.config);
    const after = new Running(next.config, shared, before);
    const sinks = ownSinks(next.config);
    const nextPrints = sinkPrints(sinks);
    const toRun = dispatcher === undefined ? [] : sinksToRun(prints, nextPrints);
    const changed = toRun.flatMap((name) => {
      const sink = sinks[name];
      return sink === undefined ? [] : [[name, sink] as const];
    });
    const specs = await createSinks(Object.fromEntries(changed), sinkDeps(next.config));
    let paused: readonly string[];
    try {
      mustRun();
      paused = await outbox.configure(sinkSettings(next.config, clock.now()));
      mustRun();
    } catch (error) {
      await Promise.all(specs.map(closeSink));
      throw error;
    }
    prints = nextPrints;
    running = after;
    after.takeOver(before);
    const { server: limits } = next.config;
    receiving.replace(setup());
    const certificates = changedTls(tls, nextTls);
    tls = nextTls;
    listeners.configure(
      {
        ...limits,
        maxConnections: connectionsWithin(openFiles, shareOf(limits).maxConnections),
      },
      tls,
    );
    admin?.replace(next.config, secretTexts(next.config));
    const names = Object.keys(sinks);
    const handover = dispatcher?.replace({ names, specs, paused });
    await pool?.replace(next.config, tls.server);
    const isDone = await withinTime(
      (handover ?? Promise.resolve()).then(() => true),
      HANDOVER_WITHIN,
      clock,
      () => false,
    );
    const sources = changesBetween(before.config.sources, next.config.sources);
    const {
      added,
      removed,
      changed: others,
    } = changesBetween(before.config.sinks, next.config.sinks);
    const reread = toRun.filter((name) => !added.includes(name) && !others.includes(name));
    return {
      sources,
      sinks: { added, removed, changed: [...others, ...reread] },
      server: [...new Set([...next.server, ...certificates])],
      restart: next.restart,
      finishing: isDone ? [] : (dispatcher?.changing() ?? []),
      warnings,
    };
  }

  function mustRun(): void {
    if (stopping === undefined && starting !== undefined) return;
    throw new TrackbridgeError('DRAINING', 'the receiver is not running; start it again');
  }

  const reloads = new Reloads({ apply, started: () => starting, clock, log, metrics });
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
    reload: (read) => reloads.reload(read),
    stop() {
      // A stop waits for a start in progress, so that the two never interleave. A failed start has closed everything.
      stopping ??= (starting ?? Promise.resolve()).then(close, () => undefined);
      return stopping;
    },
    ports,
  };
}
