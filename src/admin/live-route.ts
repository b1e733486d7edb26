import type { ServerResponse } from 'node:http';
import type Router from '@koa/router';
import type { Context } from 'koa';
import { after, every } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { compileFilter } from '../workbench/inspect/filter.js';
import type { Inspector } from '../workbench/inspect/inspector.js';
import type { OwnAddress } from '../workbench/inspect/send-again.js';
import { filterOf } from './delivery-routes.js';

/** Bytes that may be buffered for a subscriber that does not read. Beyond it the subscriber is disconnected. */
const MOST_WAITING = 4 * 1024 * 1024;
const HEARTBEAT_EVERY = 15_000;
/**
 * The time that a subscriber has to read what is buffered when its stream ends, at a stop or because it was too slow.
 */
const LAST_READ = 200;
const LAST_READ_OF_SLOW = 5_000;

export interface LiveRouteDeps {
  readonly inspector: Inspector;
  readonly version: string;
  /** Returns the address of the receiver's own listener; undefined if it has none. */
  readonly receiver: () => OwnAddress | undefined;
  /** Aborts when the receiver stops. */
  readonly stopping: AbortSignal;
}

/** `GET /api/live`: streams what happens as server-sent events. */
export function liveRoute(router: Router, deps: LiveRouteDeps): void {
  router.get('/api/live', async (ctx) => {
    const whole = ctx.query['record'] === 'true';
    const wants = compileFilter(filterOf(ctx));
    if (ctx.method === 'HEAD') {
      ctx.set('content-type', 'text/event-stream; charset=utf-8');
      ctx.status = 200;
      return;
    }
    await deps.inspector.sharing?.announce();
    listen(ctx, deps, { whole, wants });
  });
}

function listen(
  ctx: Context,
  { inspector, receiver, stopping, version }: LiveRouteDeps,
  wish: Pick<Parameters<Inspector['live']['subscribe']>[0], 'whole' | 'wants'>,
): void {
  const { firstPath, live, member, recorder, sinks, sources } = inspector;
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
      'the receiver is stopping, or has too many subscribers; close one and reconnect';
    throw new TrackbridgeError('OVERLOADED', problem, { retryAfter: 2_000 });
  }
  res.once('close', leave);
  // Otherwise Koa would end the answer with the middleware.
  ctx.respond = false;
  stream.begin();
  const recording = recorder.isKeeping;
  const url = receiver()?.url;
  const isThere = url !== undefined && firstPath !== undefined;
  const target = isThere ? { target: `${url}${firstPath}` } : {};
  stream.send('hello', JSON.stringify({ recording, version, member, sources, sinks, ...target }));
}

/** An answer that is written in pieces. The writer never waits for the reader. */
class EventStream {
  readonly #response: ServerResponse;
  #stopHeartbeat: (() => void) | undefined;
  #cutting = false;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', () => this.#stopHeartbeat?.());
  }

  begin(): void {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      // A proxy that buffers answers would hold back live events.
      'x-accel-buffering': 'no',
    });
    this.#response.flushHeaders();
    this.#stopHeartbeat = every(HEARTBEAT_EVERY, () => this.#response.write(': still here\n\n'));
  }

  /** Returns whether more may be sent: false if too much is buffered already. */
  send(event: string, json: string): boolean {
    if (this.#response.writableEnded || this.#response.destroyed) return true;
    this.#response.write(`event: ${event}\ndata: ${json}\n\n`);
    return this.#response.writableLength <= MOST_WAITING;
  }

  /** Ends the answer. A subscriber that has not read it after `within` milliseconds is disconnected. */
  end(within: number): void {
    if (this.#cutting) return;
    this.#cutting = true;
    this.#stopHeartbeat?.();
    this.#response.end();
    this.#response.once(
      'close',
      after(within, () => this.#response.destroy()),
    );
  }
}
