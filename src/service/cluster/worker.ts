import { Socket } from 'node:net';
import type { Config } from '../../config/config.js';
import { deepFreeze } from '../../config/freeze.js';
import { conceal } from '../../config/secrets/conceal.js';
import { systemClock, withinTime } from '../../core/clock.js';
import { errorOf, messageOf, TrackbridgeError } from '../../core/errors.js';
import { answerCalls, openCalls } from '../../core/link/calls.js';
import { Link } from '../../core/link/link.js';
import { openMessages } from '../../core/link/messages.js';
import { createObservations } from '../../core/observe.js';
import { createUuid7 } from '../../event/uuid7.js';
import { connectionsWithin, openFilesLimit } from '../../http/open-files.js';
import type { RateLimited } from '../../ingest/rate-limits.js';
import { RemoteOutbox } from '../../outbox/remote/client.js';
import { createSource } from '../../sources/registry.js';
import { createLog, type Log } from '../../telemetry/log.js';
import { logObserverFailure } from '../../telemetry/observer-failure.js';
import type { RejectionLine } from '../../telemetry/rejection-log.js';
import { Listeners } from '../listeners.js';
import { createEventChecks, createReceiving, type ReceivingSetup } from '../receiving.js';
import { openTraces, type Traces } from '../traces.js';
import {
  CLOSE,
  CONFIGURE,
  FAILING,
  LINK_FD,
  LOG,
  RATE,
  type RateRequest,
  RECORD,
  REJECTIONS,
  SETTLE,
  START,
  type WorkerConfiguration,
  type WorkerSettings,
} from './protocol.js';
import { relayObservations } from './relay.js';
import { reportAuthentication } from './watches.js';

/** Milliseconds for sending the last messages to the primary. */
const ENDS_WITHIN = 400;

/** Milliseconds for exporting the last spans. */
const TRACES_WITHIN = 2_000;

/** Lines and rejections beyond this number that wait to be sent are not logged. */
const MOST_LINES = 1_000;

/** The part of a worker that listens. */
interface Started {
  readonly listeners: Listeners;
  /** Milliseconds. */
  readonly budget: () => number;
  /** Applies another configuration. */
  readonly configure: (next: WorkerConfiguration) => void;
}

/**
 * A worker: a process that receives deliveries for the primary, which owns the store. It ends when the primary closes
 * the link or is gone. Whatever else it needs of the primary passes over the link.
 */
function runWorker(link: Link): void {
  const clock = systemClock;
  const outbox = new RemoteOutbox(link, clock);
  const authentication = reportAuthentication(link);
  const takeRate = openCalls<RateRequest, number>(link, RATE);
  const makeUuid = createUuid7();
  const uuid = (): string => makeUuid(clock.now());
  let log: Log | undefined;
  let started: Started | undefined;
  let traces: Traces | undefined;
  let exporting: Promise<void> | undefined;
  let draining = false;

  const observations = createObservations((error) => {
    if (log !== undefined) logObserverFailure(log, error);
  });
  const relay = relayObservations(link, observations);
  openMessages<boolean, never>(link, {
    name: RECORD,
    onMessage: (isWanted) => relay.record(isWanted),
  });
  const reject = openMessages<never, RejectionLine>(link, {
    name: REJECTIONS,
    most: MOST_LINES,
    onMessage: () => undefined,
  });
  const rejections = { write: (line: RejectionLine) => reject(plain(line)) };
  const writeLine = openMessages<never, string>(link, {
    name: LOG,
    most: MOST_LINES,
    onMessage: () => undefined,
  });
  const failing = openMessages<never, null>(link, { name: FAILING, onMessage: () => undefined });

  const start = async (settings: WorkerSettings): Promise<number> => {
    const { logLevel, port, records, storeId, worker } = settings;
    const workerLog = createLog(logLevel, { write: writeLine }).child({ worker });
    log = workerLog;
    relay.record(records);
    const config = deepFreeze(conceal(settings.config));
    let current = readSetup(config);
    const { server } = current;
    const openFiles = openFilesLimit();
    const maxConnections = connectionsWithin(openFiles, server.maxConnections);
    const listeners = new Listeners({ server, maxConnections, clock, uuid, rejections });
    const bridgeId = (): string => storeId;
    const receiving = createReceiving(current, {
      checks: createEventChecks({ uuid, bridgeId, log: workerLog, observations }),
      listeners,
      outbox,
      clock,
      log: workerLog,
      observations,
      rejections,
      uuid,
      isDraining: () => draining,
    });
    let { sources } = config;
    traces = await openTraces(config, {
      clock,
      log: workerLog,
      observations,
      sources: () => sources,
      deliveries: true,
      attempts: false,
    });
    if (draining) throw new TrackbridgeError('DRAINING', 'the receiver is shutting down');
    const configure = ({ config: next, tls }: WorkerConfiguration): void => {
      sources = next.sources;
      current = readSetup(deepFreeze(conceal(next)));
      receiving.replace(current);
      const { server: limits } = current;
      listeners.configure(
        { ...limits, maxConnections: connectionsWithin(openFiles, limits.maxConnections) },
        { ...(tls === undefined ? {} : { server: tls }) },
      );
    };
    started = { listeners, budget: () => current.server.budget, configure };
    listeners.start();
    receiving.start();
    const at = { host: server.host, port };
    return (await listeners.listen('server', receiving.app, at, settings.tls)) ?? port;
  };
  const readSetup = ({ server, sources }: Config): ReceivingSetup => {
    return {
      server,
      sources: Object.entries(sources).map(([name, each]) => createSource(name, each, clock)),
      authentication,
      takeRate: (source: string, of: RateLimited) => takeRate([source, of]),
    };
  };
  const settle = async (graceMs: number): Promise<null> => {
    draining = true;
    await started?.listeners.settle(graceMs);
    // Not awaited: the spans are exported while the sinks finish.
    exporting ??= traces?.stop(TRACES_WITHIN);
    return null;
  };
  const close = async (graceMs: number): Promise<null> => {
    draining = true;
    exporting ??= traces?.stop(TRACES_WITHIN);
    const exported = withinTime(exporting ?? Promise.resolve(), graceMs, clock, () => undefined);
    await Promise.all([started?.listeners.close(graceMs), exported]);
    return null;
  };
  let exitCode: number | undefined;
  const end = async (code: number): Promise<void> => {
    // The end of the link, which this causes, ends the worker as well.
    exitCode ??= code;
    await withinTime(link.end(), ENDS_WITHIN, clock, () => undefined);
    process.exit(exitCode);
  };

  answerCalls<WorkerSettings, number>(link, START, start);
  answerCalls<WorkerConfiguration, null>(link, CONFIGURE, (next) => {
    started?.configure(next);
    return null;
  });
  answerCalls<number, null>(link, SETTLE, settle);
  answerCalls<number, null>(link, CLOSE, close);
  void link.lost.then((cause) => {
    // The log passes over the link, too.
    if (cause !== undefined) process.stderr.write(`the link failed: ${messageOf(cause)}\n`);
    return end(cause === undefined ? 0 : 1);
  });

  // A signal to the whole group is for the primary, which drains its workers.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => undefined);
  }
  let isFailing = false;
  process.on('uncaughtException', (thrown: unknown) => {
    log?.fatal(
      { err: errorOf(thrown) },
      'uncaught error; this worker shuts down and another replaces it',
    );
    if (isFailing) return;
    isFailing = true;
    failing(null);
    // Closed and not only settled: new connections are for the other workers.
    void close(started?.budget() ?? 0).then(() => end(1));
  });
}

/** Returns the line with its error as fields, as the log writes it: not every error can be sent. */
function plain(line: RejectionLine): RejectionLine {
  const { err, ...own } = line.own as { readonly err?: unknown };
  if (err === undefined) return line;
  const fields =
    err instanceof Error
      ? { type: err.name, message: err.message, stack: err.stack }
      : { type: typeof err };
  return { ...line, own: { ...own, err: fields } };
}

runWorker(new Link(new Socket({ fd: LINK_FD })));
