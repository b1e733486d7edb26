import type Router from '@koa/router';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import { TrackbridgeError } from '../core/errors.js';
import { isObject, type JsonObject } from '../core/json.js';
import type { OutboxStore } from '../outbox/store.js';

export type ReplayRoutesDeps = Pick<OutboxStore, 'replays'>;
type Replays = NonNullable<OutboxStore['replays']>;
type Replay = Awaited<ReturnType<Replays['begin']>>;
type Filter = Parameters<Replays['begin']>[1];

const LISTS = ['types', 'events', 'users', 'sources'] as const;
const TIMES = ['since', 'until'] as const;
const MOST = 1_000;

/** Routes to replay retained events to one sink: begin, watch, pause, resume, cancel, and count without replaying. */
export function replayRoutes(router: Router, { replays }: ReplayRoutesDeps): void {
  const parse = koaBody({ jsonStrict: true, urlencoded: false, text: false, multipart: false });
  const known = (): Replays => {
    if (replays !== undefined) return replays;
    throw new TrackbridgeError('NOT_FOUND', 'this outbox cannot replay retained events');
  };
  router.get('/api/sinks/:name/replay', async (ctx) => {
    const sink = String(ctx.params['name']);
    const replay = (await known().list()).find((each) => each.sink === sink);
    if (replay === undefined) {
      throw new TrackbridgeError('NOT_FOUND', 'there was no replay for this sink');
    }
    ctx.body = shown(replay);
  });
  router.post('/api/sinks/:name/replay', parse, async (ctx: Context) => {
    ctx.body = shown(await known().begin(String(ctx['params']['name']), filterOf(ctx)));
  });
  router.post('/api/sinks/:name/replay/count', parse, async (ctx: Context) => {
    const { after, ...body } = bodyOf(ctx);
    const isPlace = after === undefined || Number.isSafeInteger(after);
    if (!isPlace) throw malformed('after must be the `next` of the answer before');
    const filter = readFilter(body);
    const sink = String(ctx['params']['name']);
    ctx.body = await known().count(sink, filter, after as number | undefined);
  });
  for (const act of ['pause', 'resume', 'cancel'] as const) {
    router.post(`/api/sinks/:name/replay/${act}`, async (ctx) => {
      ctx.body = shown(await known().change(String(ctx.params['name']), act));
    });
  }
}

function shown({ filter, startedAt, ...replay }: Replay): JsonObject {
  const times = TIMES.flatMap((name) => {
    const at = filter[name];
    return at === undefined ? [] : [[name, iso(at)]];
  });
  return {
    ...replay,
    filter: { ...filter, ...Object.fromEntries(times) } as JsonObject,
    startedAt: iso(startedAt),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function filterOf(ctx: Context): Filter {
  return readFilter(bodyOf(ctx));
}

function bodyOf(ctx: Context): Readonly<Record<string, unknown>> {
  const body: unknown = ctx.request.body;
  if (isObject(body)) return body;
  throw malformed('send a JSON object');
}

/** A malformed filter must never select everything. */
function readFilter(body: Readonly<Record<string, unknown>>): Filter {
  const filter: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(body)) {
    if (TIMES.some((name) => name === key)) {
      const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(at)) throw malformed(`${key} must be a time such as 2026-11-21T14:00:00Z`);
      filter[key] = at;
    } else if (LISTS.some((name) => name === key)) {
      const isList =
        Array.isArray(value) &&
        value.length > 0 &&
        value.length <= MOST &&
        value.every((each) => typeof each === 'string' && each !== '');
      if (!isList) throw malformed(`${key} must be a list of texts`);
      filter[key] = value;
    } else {
      throw malformed(`${key} is unknown; known are ${[...TIMES, ...LISTS].join(', ')}`);
    }
  }
  return filter;
}

function malformed(problem: string): TrackbridgeError {
  return new TrackbridgeError('BODY_MALFORMED', problem);
}
