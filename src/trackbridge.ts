import type { IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import type { OpenAdminDeps, OpenedAdmin } from './admin/open.js';
import { type Clock, systemClock } from './clock.js';
import type { Config, SinkConfig } from './config/config.js';
import { configFromObject } from './config/load.js';
import { secretTexts } from './config/secret-texts.js';
import type { MultipartReader } from './decode/multipart.js';
import { createDispatcher, type Dispatcher } from './dispatch/dispatcher.js';
import { loadTransform } from './dispatch/load-transform.js';
import type { SinkSpec } from './dispatch/sink-runner.js';
import { messageOf, TrackbridgeError } from './errors.js';
import { createCanonicalizer } from './event/canonicalizer.js';
import type { JsonValue } from './event/event.js';
import { createUuid7 } from './event/uuid7.js';
import { Admission } from './http/admission.js';
import { createApp, createIngestRoutes } from './http/app.js';
import { AuthenticationWatch } from './http/authentication-watch.js';
import { Deadlines } from './http/deadline.js';
import { FirstBytes } from './http/first-byte.js';
import { watchLoopDelay } from './http/loop-delay.js';
import { prepareReplay, type QuarantinedFacts } from './http/prepare.js';
import { createHttpServer, type HttpServer } from './http/server.js';
import type { DeliveryRecorder } from './inspect/recorder.js';
import type { Quarantined } from './outbox/outbox.js';
import { createOutbox } from './outbox/registry.js';
import { sinkTypes } from './sinks/registry.js';
import type { Sink, SinkContext, SinkType } from './sinks/sink.js';
import { createSource } from './sources/registry.js';
import type { Source } from './sources/source.js';
import { createLog, type Log } from './telemetry/log.js';
import { createMetrics } from './telemetry/metrics.js';

/** A receiver: started once, stopped once. Further calls of either share the first one's promise. */
export interface Trackbridge {
  /** A listener for a `node:http` server of your own. Call `start` before it takes requests. */
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  /** A middleware for a Koa application of your own; mount it before any body parser. Other paths pass through. */
  middleware(): Middleware;
  /**
   * Opens the outbox and the sinks and, where there is a `server` or `admin` section, listens.
   * Rejects with a TrackbridgeError that says what to do; nothing is left running then.
   */
  start(): Promise<void>;
  /** Answers 503 to what is new, finishes what is in flight, flushes, and closes everything within ten seconds. */
  stop(): Promise<void>;
  /** The ports listened on, once started. */
  readonly ports: { readonly server?: number; readonly admin?: number };
}

export interface TrackbridgeOptions {
  /** What `${NAME}` in the configuration refers to; the process's environment by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log?: Log;
}

/**
 * A receiver for use inside another program. `configuration` is the object that a configuration file would hold; without
 * a `server` section nothing listens, and the caller mounts `callback()` or `middleware()`.
 * Throws a TrackbridgeError CONFIG_INVALID.
 */
export function createTrackbridge(
  configuration: object = {},
  options: TrackbridgeOptions = {},
): Trackbridge {
  const { config, logLevel, warnings } = configFromObject(
    configuration,
    options.env ?? process.env,
  );
  const log = options.log ?? createLog(logLevel);
  for (const warning of warnings) log.warn({}, warning);
  return createService(config, { listen: 'server' in Object(configuration), log });
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ServiceOptions {
  /** Whether `start` listens on `server.host` and `server.port`. */
  readonly listen: boolean;
  readonly log: Log;
  readonly clock?: Clock;
}

/**
 * A stop must end within ten seconds. Requests in flight may take `server.budget` of it, at most five; what they brought
 * gets a second to be delivered; sinks get the rest of the time to finish, but for what closing needs: two seconds for a
 * sink that does not let go, two for the outbox.
 */
const STOP_WITHIN = 9_500;
const FLUSH_WITHIN = 1_000;
const CLOSING = 4_000;

/** How often it is looked whether a secret has become suspect, milliseconds. */
const LOOK_EVERY = 1_000;
const SERVER_GRACE = 300;

/** The composition root: a resolved configuration in, a running receiver out. */
export function createService(config: Config, options: ServiceOptions): Trackbridge {
  const { clock = systemClock, log } = options;
  const makeUuid = createUuid7();
  const uuid = (): string => makeUuid(clock.now());
  const metrics = createMetrics();
  const outbox = createOutbox(config.outbox, { clock, log });
  const canonicalize = createCanonicalizer();
  const firstBytes = new FirstBytes(clock);
  // koa-body is 16 MB in memory, and most receivers never see a multipart body.
  const readMultipart: MultipartReader = async (body, contentType) =>
    (await import('./http/multipart.js')).readMultipart(body, contentType);
  const sources = Object.entries(config.sources).map(([name, source]) =>
    createSource(name, source, readMultipart, clock),
  );
  let draining = false;
  const isDraining = (): boolean => draining;
  let dispatcher: Dispatcher | undefined;
  const ports: { server?: number; admin?: number } = {};

  const loopDelay = watchLoopDelay();
  const admission = new Admission({
    server: config.server,
    clock,
    log,
    metrics,
    loopDelay: loopDelay.read,
    random: Math.random,
  });

  const bridgeId = (): string => outbox.id;
  const authentication = new Map(
    sources.map(({ name, config: { onUnauthenticated } }) => {
      const onSuspect = metrics.source(name).secretSuspect;
      const deps = { source: name, onUnauthenticated, clock, log, onSuspect };
      return [name, new AuthenticationWatch(deps)];
    }),
  );

  let looking: NodeJS.Timeout | undefined;
  const lookAtAuthentication = (): void => {
    for (const watch of authentication.values()) watch.look();
  };

  let admin: OpenedAdmin | undefined;
  const recorder: DeliveryRecorder = {
    get wanted() {
      return admin?.inspector.recorder.wanted === true;
    },
    begin: (start) => (admin as OpenedAdmin).inspector.recorder.begin(start),
  };

  const appDeps = {
    ...(config.admin === undefined ? {} : { recorder }),
    authentication: (name: string): AuthenticationWatch => {
      const watch = authentication.get(name);
      if (watch === undefined) throw new TypeError(`there is no source ${name}`);
      return watch;
    },
    admission,
    server: config.server,
    clock,
    outbox,
    canonicalize,
    metrics,
    uuid,
    bridgeId,
    firstBytes,
    deadlines: new Deadlines(clock),
    log,
    isDraining,
    settledBy: async (ids: readonly string[], signal: AbortSignal) =>
      dispatcher?.settledBy(ids, signal),
  };
  const routes = createIngestRoutes(sources, appDeps);
  const app = createApp(routes, appDeps);

  const adminDeps: OpenAdminDeps = {
    config,
    secrets: secretTexts(config),
    receiverUrl: () =>
      ports.server === undefined ? undefined : ownUrl(config.server.host, ports.server),
    outbox,
    metrics,
    clock,
    log,
    uuid,
    isDraining,
    sourceStates: () => [...authentication].map(([name, watch]) => ({ name, ...watch.state() })),
    sinkStates: () => new Map((dispatcher?.state() ?? []).map((state) => [state.name, state])),
    replayQuarantined,
  };

  async function replayQuarantined(entry: Quarantined): Promise<void> {
    const named = (each: Source) => each.name === entry.source || each.names?.has(entry.source);
    const source = sources.find(named);
    if (source === undefined) {
      throw new TrackbridgeError('NOT_FOUND', `source ${entry.source} is no longer configured`);
    }
    const facts = JSON.parse(entry.delivery) as QuarantinedFacts;
    const raw = JSON.parse(entry.raw) as JsonValue;
    const replay = prepareReplay(source, entry.source, raw, facts, canonicalize, uuid);
    if ('errors' in replay) {
      const [first] = replay.errors;
      const what = first === undefined ? '' : `: ${first.path || '(event)'} ${first.message}`;
      throw new TrackbridgeError('EVENT_INVALID', `still not valid${what}`);
    }
    await outbox.quarantine.accept(entry.id, replay.event);
  }

  const servers: HttpServer[] = [];
  const listenOn = async (section: 'server' | 'admin', app: Koa, at: Address): Promise<number> => {
    const server = createHttpServer(app.callback(), config.server, {
      clock,
      log,
      uuid,
      firstBytes,
    });
    servers.push(server);
    return await server.listen(at.host, at.port, section);
  };

  async function open(): Promise<void> {
    const sinks = await Promise.all(
      Object.entries(config.sinks).map(([name, sink]) =>
        createSink(name, sink, { clock, log, bridgeId }),
      ),
    );
    admin = config.admin && (await import('./admin/open.js')).openAdmin(adminDeps);
    const observer = admin?.inspector.recorder;
    dispatcher = createDispatcher({
      outbox,
      sinks,
      clock,
      log,
      metrics,
      ...(observer && { observer }),
    });
    try {
      await outbox.open(Object.keys(config.sinks));
      loopDelay.start();
      admission.start();
      looking = setInterval(lookAtAuthentication, LOOK_EVERY).unref();
      dispatcher.start();
      if (config.admin !== undefined && admin !== undefined) {
        ports.admin = await listenOn('admin', admin.app, config.admin);
      }
      if (options.listen) {
        ports.server = await listenOn('server', app, config.server);
      }
    } catch (error) {
      // What kept it from starting is the news; that something did not close after that is its consequence.
      await close().catch((cause: unknown) => log.warn({ err: cause }, 'not closed in order'));
      throw error;
    }
  }

  /** In the reverse order of `open`; new deliveries get 503 until what was in flight is done. */
  async function close(): Promise<void> {
    draining = true;
    // Who listens does so for as long as it may, and would be waited for.
    admin?.stop();
    const until = clock.monotonic() + STOP_WITHIN;
    await Promise.all(servers.map((server) => server.settle(config.server.budget)));
    await flush();
    await dispatcher?.stop(Math.max(0, until - clock.monotonic() - CLOSING));
    await Promise.all(servers.splice(0).map((server) => server.close(SERVER_GRACE)));
    firstBytes.stop();
    admission.stop();
    clearInterval(looking);
    loopDelay.stop();
    await outbox.close();
  }

  /** What was accepted last is delivered before the sinks stop, where they take it at once; one that is down does not. */
  async function flush(): Promise<void> {
    const signal = AbortSignal.timeout(FLUSH_WITHIN);
    while (dispatcher !== undefined && !signal.aborted) {
      const stats = outbox.stats().catch(() => undefined);
      const pending = await Promise.race([stats, clock.sleep(FLUSH_WITHIN, signal)]);
      if (pending === undefined) return;
      const down = new Set(
        dispatcher.state().flatMap((sink) => (sink.circuit === 'open' ? sink.name : [])),
      );
      if (pending.sinks.every((sink) => sink.pending === 0 || down.has(sink.name))) return;
      await clock.sleep(10, signal);
    }
  }

  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  return {
    callback: () => app.callback(),
    middleware: () => routes,
    start() {
      if (stopping !== undefined) {
        return Promise.reject(new TypeError('this receiver was stopped; create another'));
      }
      starting ??= open();
      return starting;
    },
    stop() {
      // A stop waits for a start under way, so that the two never interleave; a failed start has closed everything.
      stopping ??= (starting ?? Promise.resolve()).then(close, () => undefined);
      return stopping;
    },
    ports,
  };
}

/** Where this very machine reaches a listener. */
function ownUrl(host: string, port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** Builds one configured sink and what the dispatcher needs beside it. Throws CONFIG_INVALID. */
export async function createSink(
  name: string,
  config: SinkConfig,
  { clock, log, bridgeId }: Pick<SinkContext, 'clock' | 'bridgeId'> & { readonly log: Log },
): Promise<SinkSpec> {
  const load = sinkTypes.get(config.type);
  if (load === undefined) {
    throw new TrackbridgeError('CONFIG_INVALID', `sinks.${name}.type ${config.type} is not known`);
  }
  const type = await load();
  const context: SinkContext = {
    name,
    clock,
    bridgeId,
    log: log.child({ sink: name }),
    format: config.format,
  };
  const sink = await build(type, config, context);
  const size = Math.min(config.batch.size, type.maxBatch?.(config.options) ?? config.batch.size);
  const sized = { ...config, batch: { ...config.batch, ...type.fill?.(config.options), size } };
  if (config.transform === undefined) return { name, config: sized, sink };
  return { name, config: sized, sink, transform: await loadTransform(config.transform, name) };
}

async function build(type: SinkType, config: SinkConfig, context: SinkContext): Promise<Sink> {
  try {
    return await type.create(config.options, context);
  } catch (error) {
    const problem = `sinks.${context.name}: ${messageOf(error)}`;
    throw new TrackbridgeError('CONFIG_INVALID', problem, { cause: error });
  }
}
