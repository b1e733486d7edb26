import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/config.js';
import type { Clock } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { answerCalls } from '../../core/link/calls.js';
import { openMessages } from '../../core/link/messages.js';
import type { LoadReading, Observations } from '../../core/observe.js';
import { fromSources, sourceOf } from '../../core/worker.js';
import type { TlsFiles } from '../../http/tls/files.js';
import type { DeliveryWatch } from '../../ingest/authentication-watch.js';
import type { TakeRate } from '../../ingest/rate-limits.js';
import type { ReceiverOutbox } from '../../outbox/remote/client.js';
import { serveOutbox } from '../../outbox/remote/server.js';
import type { Log } from '../../telemetry/log.js';
import type { RejectionLine } from '../../telemetry/rejection-log.js';
import { LOG, RATE, type RateRequest, REJECTIONS, type WorkerSettings } from './protocol.js';
import { publishRelayed } from './relay.js';
import { shareOf } from './share.js';
import { receiveAuthentication } from './watches.js';
import { forkWorker, WorkerProcess } from './worker-process.js';

/** A worker that ends within this time of its start, in milliseconds, will probably do so again. */
const SHORT_LIFE = 10_000;

/** The pause before the second short-lived worker in a row is replaced, in milliseconds. It doubles up to the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

export interface PoolDeps {
  readonly config: Config;
  /** Absent without `server.tls`. */
  readonly tls: TlsFiles | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes a line of a worker's log, with its end. */
  readonly writeLogLine: (line: string) => void;
  readonly outbox: ReceiverOutbox & { readonly id: string };
  readonly observations: Observations;
  readonly rejections: { write(line: RejectionLine): void };
  /** Returns undefined for a source that a reload has removed. */
  readonly authentication: (source: string) => DeliveryWatch | undefined;
  readonly takeRate: TakeRate;
}

/**
 * The workers of a primary: `server.workers` processes that receive deliveries on one port. A worker that ends is
 * replaced, unless the pool is closing.
 */
export class WorkerPool {
  readonly #deps: PoolDeps;
  /** Includes workers that are about to end. */
  readonly #workers = new Set<WorkerProcess>();
  readonly #loads = new Map<WorkerProcess, LoadReading>();
  readonly #closing = new AbortController();
  #config: Config;
  #tls: TlsFiles | undefined;
  #port = 0;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
    this.#config = deps.config;
    this.#tls = deps.tls;
  }

  /**
   * Gives all workers another configuration, also those that start later. Resolves when all have applied it. A worker
   * that does not is replaced by one that starts with it.
   */
  async replace(config: Config, tls: TlsFiles | undefined): Promise<void> {
    this.#config = config;
    this.#tls = tls;
    await Promise.all([...this.#workers].map((worker) => this.#configure(worker)));
  }

  async #configure(worker: WorkerProcess): Promise<void> {
    try {
      await worker.configure({ config: this.#share(), tls: this.#tls });
    } catch (error) {
      if (worker.link.isLost || this.#closing.signal.aborted) return;
      this.#deps.log.error(
        { pid: worker.pid, err: error },
        'a worker did not apply the configuration; another replaces it',
      );
      await worker.end();
    }
  }

  #share(): Config {
    return { ...this.#config, server: shareOf(this.#config.server) };
  }

  /** Starts all workers. Resolves to their port. Rejects with START_FAILED if one of them does not start. */
  async listen(): Promise<number> {
    const { config, observations } = this.#deps;
    const { host, port, workers } = config.server;
    this.#port = port === 0 ? await freePort(host) : port;
    observations.began.onDemand((isWanted) => {
      for (const worker of this.#workers) worker.record(isWanted);
    });
    const numbers = Array.from({ length: workers }, (_, index) => index + 1);
    const first = await Promise.all(
      numbers.map(async (number) => [number, await this.#start(number)] as const),
    );
    for (const [number, worker] of first) void this.#keep(number, worker);
    return this.#port;
  }

  /** Answers 503 from now on. Resolves when all current requests are answered, or soon after `graceMs`. */
  async settle(graceMs: number): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#workers].map((worker) => worker.settle(graceMs)));
  }

  /** Closes all connections and ends the workers. */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#workers].map((worker) => worker.close(graceMs)));
  }

  /** Starts one process. Rejects with START_FAILED, and the process has ended then. */
  async #start(number: number): Promise<WorkerProcess> {
    const { log, observations, outbox } = this.#deps;
    const worker = this.#fork(number);
    const config = this.#config;
    const settings: WorkerSettings = {
      worker: number,
      config: this.#share(),
      tls: this.#tls,
      port: this.#port,
      storeId: outbox.id,
      logLevel: log.level,
      records: observations.began.isObserved,
    };
    try {
      await worker.start(settings);
      // A reload that happened meanwhile left out this worker, which did not listen yet.
      if (config !== this.#config) await this.#configure(worker);
      return worker;
    } catch (error) {
      const why = worker.link.isLost ? `worker ${number} ${await worker.ended}` : messageOf(error);
      await worker.close(0);
      throw new TrackbridgeError('START_FAILED', why, { cause: error });
    }
  }

  /** Waits until a worker ends, and replaces it; and so on. Never rejects. */
  async #keep(number: number, first: WorkerProcess): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#closing;
    let worker: WorkerProcess | undefined = first;
    let startedAt = clock.monotonic();
    let shortLives = 0;
    while (!signal.aborted) {
      const reason = await worker?.failed;
      if (signal.aborted) return;
      shortLives = clock.monotonic() - startedAt < SHORT_LIFE ? shortLives + 1 : 0;
      const pause = pauseAfter(shortLives);
      if (reason !== undefined) {
        const then = pause === 0 ? 'now' : `in ${pause} ms`;
        log.error(
          { worker: number, pid: worker?.pid },
          `worker ${number} ${reason}; another starts ${then}`,
        );
      }
      await clock.sleep(pause, signal);
      if (signal.aborted) return;
      startedAt = clock.monotonic();
      worker = await this.#start(number).catch((error: unknown) => {
        if (!signal.aborted) {
          log.error({ worker: number, err: error }, `worker ${number} did not start`);
        }
        return undefined;
      });
      if (worker !== undefined) {
        log.info({ worker: number, pid: worker.pid }, `worker ${number} is listening again`);
      }
    }
  }

  #fork(number: number): WorkerProcess {
    const { authentication, clock, log, observations, outbox, rejections, takeRate, writeLogLine } =
      this.#deps;
    const entry = new URL('./worker.js', import.meta.url);
    const isSource = fromSources();
    const path = fileURLToPath(isSource ? sourceOf(entry) : entry);
    const loader = isSource ? ['--import', import.meta.resolve('tsx')] : [];
    const worker = new WorkerProcess(forkWorker(path, [...process.execArgv, ...loader]), {
      clock,
      onText: (text) => log.warn({ worker: number, text }, `worker ${number} wrote a line`),
    });
    const { link } = worker;
    serveOutbox(link, outbox);
    publishRelayed(link, observations, (reading) => this.#load(worker, reading));
    receiveAuthentication(link, authentication);
    answerCalls<RateRequest, number>(link, RATE, ([source, of]) => takeRate(source, of));
    openMessages<RejectionLine, never>(link, {
      name: REJECTIONS,
      onMessage: (line) => rejections.write(line),
    });
    openMessages<string, never>(link, { name: LOG, onMessage: writeLogLine });
    this.#workers.add(worker);
    void worker.ended.then(() => {
      this.#workers.delete(worker);
      this.#loads.delete(worker);
    });
    return worker;
  }

  /** Publishes the load of all workers: the longest delay, and the sums of the rest. */
  #load(worker: WorkerProcess, reading: LoadReading): void {
    this.#loads.set(worker, reading);
    const sum = { loopDelay: 0, deliveries: 0, bodyBytes: 0 };
    for (const { bodyBytes, deliveries, loopDelay } of this.#loads.values()) {
      sum.loopDelay = Math.max(sum.loopDelay, loopDelay);
      sum.deliveries += deliveries;
      sum.bodyBytes += bodyBytes;
    }
    this.#deps.observations.load.publish(sum);
  }
}

/** Returns the pause before a worker is replaced, in milliseconds. The first short-lived one is replaced at once. */
export function pauseAfter(shortLives: number): number {
  return shortLives < 2 ? 0 : Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (shortLives - 2));
}

/**
 * Picks the port for `server.port: 0`. The cluster would pick another one each time that no worker is left, for instance
 * while both of two workers are being replaced.
 */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      const message = `cannot listen on ${host}: ${error.message}; change server.host`;
      reject(new TrackbridgeError('START_FAILED', message, { cause: error }));
    });
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
