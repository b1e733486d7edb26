import type { ServerResponse } from 'node:http';
import type Router from '@koa/router';
import type { Context } from 'koa';
import { TrackbridgeError } from '../errors.js';
import { compileFilter } from '../inspect/filter.js';
import type { Inspector } from '../inspect/inspector.js';
import { filterOf } from './delivery-routes.js';

/** Bytes that may wait for a subscriber who does not read; then it is cut off. */
const MOST_WAITING = 4 * 1024 * 1024;
const HEARTBEAT_EVERY = 15_000;
/** How long one that is ended may take to read what is on its way: at a stop, and where it was too slow. */
const LAST_READ = 200;
const LAST_READ_OF_SLOW = 5_000;

export interface LiveRouteDeps {
  readonly inspector: Inspector;
  readonly version: string;
  /** `http://host:port` of the receiver's own listener; undefined where it has none. */
  readonly receiverUrl: () => string | undefined;
  /** Aborts when the receiver stops. */
  readonly stopping: AbortSignal;
}

/** `GET /api/live`: what happens, as it happens, as server-sent events. */
export function liveRoute(router: Router, deps: LiveRouteDeps): void {
  router.get('/api/live', (ctx) => {
    const whole = ctx.query['record'] === 'true';
    const wants = compileFilter(filterOf(ctx));
    if (ctx.method === 'HEAD') {
      ctx.set('content-type', 'text/event-stream; charset=utf-8');
      ctx.status = 200;
      return;
    }
    listen(ctx, deps, { whole, wants });
  });
}

function listen(
  ctx: Context,
  { inspector, receiverUrl, stopping, version }: LiveRouteDeps,
  wish: Pick<Parameters<Inspector['live']['subscribe']>[0], 'whole' | 'wants'>,
): void {
  const { firstPath, live, recorder, sinks, sources } = inspector;
  const { res } = ctx;
  const stream = new EventStream(res);
  const leave = live.subscribe({
    ...wish,
    send: (event, json) => {
      if (stream.send(event, json)) return;
      leave?.();
      stream.send('lag', JSON.stringify({ waiting: res.writableLength }));
      stream.end(LAST_READ_OF_SLOW);
      const destroy = (): void => void res.destroy();
      stopping.addEventListener('abort', destroy, { once: true });
      res.once('close', () => stopping.removeEventListener('abort', destroy));
    },
    end: () => stream.end(LAST_READ),
  });
  if (leave === undefined) {
    const problem =
      'the receiver is stopping, or too many listen already; close one and come again';
    throw new TrackbridgeError('OVERLOADED', problem, { retryAfter: 2_000 });
  }
  res.once('close', leave);
  // Koa would end the answer with the middleware.
  ctx.respond = false;
  stream.begin();
  const { recording } = recorder;
  const receiver = receiverUrl();
  const isThere = receiver !== undefined && firstPath !== undefined;
  const target = isThere ? { target: `${receiver}${firstPath}` } : {};
  stream.send('hello', JSON.stringify({ recording, version, sources, sinks, ...target }));
}

/** One answer that is written piece by piece, and never waited for. */
class EventStream {
  readonly #response: ServerResponse;
  #heartbeat: NodeJS.Timeout | undefined;
  #cutting = false;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', () => clearInterval(this.#heartbeat));
  }

  begin(): void {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      // A proxy that collects answers would hold back what is live.
      'x-accel-buffering': 'no',
    });
    this.#response.flushHeaders();
    this.#heartbeat = setInterval(() => this.#response.write(': still here\n\n'), HEARTBEAT_EVERY);
    this.#heartbeat.unref();
  }

  /** Returns whether more may come: false where too much waits already. */
  send(event: string, json: string): boolean {
    if (this.#response.writableEnded || this.#response.destroyed) return true;
    this.#response.write(`event: ${event}\ndata: ${json}\n\n`);
    return this.#response.writableLength <= MOST_WAITING;
  }

  /** Ends the answer; a subscriber that has not read it after `within` milliseconds is cut. */
  end(within: number): void {
    if (this.#cutting) return;
    this.#cutting = true;
    clearInterval(this.#heartbeat);
    this.#response.end();
    const timer = setTimeout(() => this.#response.destroy(), within).unref();
    this.#response.once('close', () => clearTimeout(timer));
  }
}
