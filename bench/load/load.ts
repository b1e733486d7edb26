import { type Connection, openConnection } from './connection.js';

/** What a run of the load saw. */
export interface Load {
  /** Answered requests. */
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds, sorted. */
  readonly latencies: readonly number[];
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  /** The next request, or undefined if there are no more; then the run ends. */
  next(): Buffer | undefined;
  /** The longest time that the run sends. */
  readonly seconds: number;
  /** The fixed rate of requests; absent, every connection always has one under way. */
  readonly perSecond?: number;
}

/**
 * Runs the load and waits for all answers. Rejects if an answer is not 200 or a connection fails.
 *
 * At a fixed rate, a request that waits for a connection counts from the time at which it was due, so that a server that
 * stalls cannot hide it. A late timer of this process does not count.
 */
export async function load(options: LoadOptions): Promise<Load> {
  const { next, perSecond } = options;
  const latencies: number[] = [];
  const idle: Connection[] = [];
  /** When the requests were due that wait for a connection. */
  const due: number[] = [];
  let underWay = 0;
  let sent = 0;
  let over = false;
  const rejected: string[] = [];
  let startedAt = 0;
  const open: Connection[] = [];
  const { promise, resolve, reject } = withResolvers<void>();

  const send = (connection: Connection, at: number): void => {
    const request = over ? undefined : next();
    if (request === undefined) {
      over = true;
      idle.push(connection);
      if (underWay === 0) resolve();
      return;
    }
    underWay++;
    sent++;
    connection.send(request, at);
  };

  const events = {
    answered(connection: Connection, latency: number, status: string): void {
      latencies.push(latency);
      if (status !== '200') rejected.push(status);
      underWay--;
      const now = performance.now();
      if (now - startedAt >= options.seconds * 1_000) over = true;
      const startsAt = perSecond === undefined || over ? now : due.shift();
      if (startsAt === undefined) idle.push(connection);
      else send(connection, startsAt);
    },
    failed: reject,
  };
  for (let opened = 0; opened < options.connections; opened++) {
    open.push(await openConnection(options.port, events));
  }
  startedAt = performance.now();
  if (perSecond === undefined) {
    for (const connection of open) send(connection, performance.now());
  } else {
    idle.push(...open);
    void pace({
      perSecond,
      isOver: () => over || performance.now() - startedAt >= options.seconds * 1_000,
      onDue(at) {
        const connection = idle.pop();
        if (connection === undefined) due.push(at);
        else send(connection, performance.now());
      },
    }).then(() => {
      over = true;
      if (underWay === 0) resolve();
    });
  }
  try {
    await promise;
  } finally {
    over = true;
    for (const connection of open) connection.close();
  }
  if (rejected.length > 0) {
    const count = `${rejected.length} of ${sent} requests`;
    throw new Error(`${count} were not answered 200; the first one was answered ${rejected[0]}`);
  }
  latencies.sort((a, b) => a - b);
  return { requests: sent, seconds: (performance.now() - startedAt) / 1_000, latencies };
}

/** Calls `onDue` with the time of each request of a fixed rate, until it is over. */
async function pace(options: {
  readonly perSecond: number;
  isOver(): boolean;
  onDue(at: number): void;
}): Promise<void> {
  const startedAt = performance.now();
  const at = (index: number): number => startedAt + (index / options.perSecond) * 1_000;
  for (let index = 0; !options.isOver(); ) {
    for (const now = performance.now(); at(index) <= now; index++) options.onDue(at(index));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  return { promise, resolve, reject };
}
