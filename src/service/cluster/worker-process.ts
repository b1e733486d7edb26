import cluster, { type Worker } from 'node:cluster';
import type { Duplex, Readable } from 'node:stream';
import { getHeapStatistics } from 'node:v8';
import { reasonOf } from '../../core/child/end.js';
import { LineReader } from '../../core/child/lines.js';
import { type Clock, withinTime } from '../../core/clock.js';
import { openCalls } from '../../core/link/calls.js';
import { Link } from '../../core/link/link.js';
import { openMessages } from '../../core/link/messages.js';
import {
  CLOSE,
  CONFIGURE,
  FAILING,
  LINK_FD,
  RECORD,
  SETTLE,
  START,
  type WorkerConfiguration,
  type WorkerSettings,
} from './protocol.js';

/** How much longer than it was told a worker may take, in milliseconds. */
const SLACK = 500;

/** How long a worker may take to apply another configuration, in milliseconds. */
const CONFIGURED_WITHIN = 5_000;

/** How long a worker that has closed may take to end, in milliseconds. */
const ENDS_WITHIN = 1_000;

/** How long the last lines of a worker may take to arrive after its end, in milliseconds. */
const LAST_LINES = 200;

export interface WorkerProcessOptions {
  readonly clock: Clock;
  /** Called with each line that it writes to standard error. Its log passes over the link. */
  readonly onText: (line: string) => void;
}

/** One life of a worker, as the primary sees it. */
export class WorkerProcess {
  readonly link: Link;
  readonly pid: number;
  /** Resolves when the process has ended, to the reason as a predicate: "was killed (SIGKILL)". */
  readonly ended: Promise<string>;
  /** Resolves when the process has ended or is about to, to the same reason. */
  readonly failed: Promise<string>;
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #start: (settings: WorkerSettings) => Promise<number>;
  readonly #configure: (next: WorkerConfiguration) => Promise<null>;
  readonly #settle: (graceMs: number) => Promise<null>;
  readonly #close: (graceMs: number) => Promise<null>;
  readonly #record: (isWanted: boolean) => void;
  #isListening = false;

  constructor(worker: Worker, { clock, onText }: WorkerProcessOptions) {
    const { pid = 0, stderr, stdio } = worker.process;
    this.#clock = clock;
    this.#worker = worker;
    this.pid = pid;
    // Entries above 2 are streams in both directions, which the type of `stdio` does not say.
    this.link = new Link(stdio[LINK_FD] as unknown as Duplex);
    this.#start = openCalls(this.link, START);
    this.#configure = openCalls(this.link, CONFIGURE);
    this.#settle = openCalls(this.link, SETTLE);
    this.#close = openCalls(this.link, CLOSE);
    this.#record = openMessages(this.link, { name: RECORD, onMessage: () => undefined });
    const failing = new Promise<string>((resolve) => {
      const reason = 'had an uncaught error';
      openMessages(this.link, { name: FAILING, onMessage: () => resolve(reason) });
    });
    this.ended = endOf(worker, stderr as Readable, { clock, onText });
    this.failed = Promise.race([failing, this.ended]);
    // Without the link it can do nothing more. It ends by itself, unless it hangs.
    void this.link.lost.then(() => this.end());
  }

  /** Starts to listen. Resolves to the port. */
  async start(settings: WorkerSettings): Promise<number> {
    const port = await this.#start(settings);
    this.#isListening = true;
    return port;
  }

  /** Applies another configuration, if it listens already. Rejects if it does not in time. */
  async configure(next: WorkerConfiguration): Promise<void> {
    if (!this.#isListening) return;
    await withinTime(this.#configure(next), CONFIGURED_WITHIN, this.#clock, () => {
      throw new Error(`no answer within ${CONFIGURED_WITHIN} ms`);
    });
  }

  /** Says whether whole deliveries are recorded. */
  record(isWanted: boolean): void {
    this.#record(isWanted);
  }

  /** Answers 503 from now on. Resolves when all current requests are answered, or after `graceMs` and some slack. */
  async settle(graceMs: number): Promise<void> {
    if (this.#isListening) await this.#within(graceMs, this.#settle(graceMs));
  }

  /** Closes the connections and ends the process. One that does not listen yet has nothing to close. */
  async close(graceMs: number): Promise<void> {
    if (!this.#isListening) this.#worker.process.kill('SIGKILL');
    await this.#within(graceMs, this.#close(graceMs));
    await this.#within(0, this.link.end());
    await this.end();
  }

  /** Resolves when the process has ended. Kills it if it does not end by itself. */
  async end(): Promise<void> {
    await withinTime(this.ended, ENDS_WITHIN, this.#clock, () =>
      this.#worker.process.kill('SIGKILL'),
    );
    await this.ended;
  }

  async #within(graceMs: number, work: Promise<unknown>): Promise<void> {
    // A worker that ends meanwhile has nothing left to answer.
    const done = work.catch(() => undefined);
    await withinTime(done, graceMs + SLACK, this.#clock, () => undefined);
  }
}

/** Starts a process of `entry` in the cluster of this one. */
export function forkWorker(entry: string, execArgv: readonly string[]): Worker {
  // Round robin, because senders keep their connections: with the alternative, in which all processes wait for the
  // same socket, one of them can get all connections that are opened at once.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({
    exec: entry,
    args: [],
    execArgv: [...execArgv],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc', 'pipe'],
  });
  return cluster.fork();
}

async function endOf(
  worker: Worker,
  stderr: Readable,
  { clock, onText }: WorkerProcessOptions,
): Promise<string> {
  const texts = new LineReader(onText);
  stderr.setEncoding('utf8').on('data', (text: string) => texts.read(text));
  const read = new Promise((resolve) => stderr.once('close', resolve));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    worker.once('exit', (...end: [number | null, string | null]) => resolve(end));
    // A connection could not be passed to a process that has just ended, or the process could not be started. Without a
    // listener, either would end the primary.
    worker.on('error', () => worker.process.pid === undefined && resolve([null, null]));
  });
  await withinTime(read, LAST_LINES, clock, () => undefined);
  texts.end();
  const heapMb = Math.round(getHeapStatistics().heap_size_limit / 2 ** 20);
  return reasonOf({ code, signal, tail: texts.tail, heapMb });
}
