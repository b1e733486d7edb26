import type Router from '@koa/router';
import type { Context } from 'koa';
import { TrackbridgeError } from '../errors.js';
import { curlOf } from '../inspect/curl.js';
import { compileFilter, type DeliveryFilter } from '../inspect/filter.js';
import { fixtureOf } from '../inspect/fixture.js';
import type { Inspector } from '../inspect/inspector.js';
import type { Tape } from '../inspect/tape.js';

const MOST = 1_000;
const DEFAULT_LIMIT = 100;
const LONGEST_SEARCH = 500;

export interface DeliveryRoutesDeps {
  readonly inspector: Inspector;
  /** `http://host:port` of the receiver's own listener; undefined where it has none. */
  readonly receiverUrl: () => string | undefined;
}

/** What was recorded of deliveries: the list, one of them, and the forms it can be taken away in. Changes nothing. */
export function deliveryRoutes(router: Router, deps: DeliveryRoutesDeps): void {
  const { inspector, receiverUrl } = deps;
  const { recorder, view } = inspector;

  router.get('/api/deliveries', (ctx) => {
    ctx.set('x-recording', recorder.recording ? 'on' : 'off');
    const wants = compileFilter(filterOf(ctx));
    const limit = limitOf(ctx);
    const found = [];
    for (const tape of after(recorder.kept(), oneOf(ctx, 'before'))) {
      const summary = view.summary(tape);
      if (wants(summary)) found.push(summary);
      if (found.length === limit) break;
    }
    ctx.body = found;
  });

  router.get('/api/deliveries/:id', (ctx) => {
    ctx.body = view.record(tapeOf(ctx, inspector));
  });

  router.get('/api/deliveries/:id/body', (ctx) => {
    const tape = tapeOf(ctx, inspector);
    attach(ctx, 'application/octet-stream', `body-${tape.id}.bin`, view.body(tape).bytes);
  });

  router.get('/api/deliveries/:id/curl', (ctx) => {
    const tape = tapeOf(ctx, inspector);
    ctx.set('content-type', 'text/plain; charset=utf-8');
    ctx.body = curlOf(tape, view, receiverUrl() ?? 'http://127.0.0.1:8080');
  });

  router.get('/api/deliveries/:id/fixture', (ctx) => {
    const tape = tapeOf(ctx, inspector);
    const text = `${JSON.stringify(fixtureOf(tape, view), undefined, 2)}\n`;
    attach(ctx, 'application/json; charset=utf-8', `delivery-${tape.id}.json`, text);
  });
}

/** The delivery that the path names. Throws NOT_FOUND. */
export function tapeOf(ctx: Context, { recorder }: Inspector): Tape {
  const tape = recorder.find(String(ctx['params']['id']));
  if (tape !== undefined) return tape;
  const why = recorder.recording
    ? 'it was never recorded, or has made room for newer ones (admin.record)'
    : 'nothing is recorded here: set admin.record';
  throw new TrackbridgeError('NOT_FOUND', `there is no delivery with this id; ${why}`);
}

/** What of `source`, `outcome`, `type` and `text` the query gives. Throws QUERY_MALFORMED. */
export function filterOf(ctx: Context): DeliveryFilter {
  const filter: Record<string, string> = {};
  for (const name of ['source', 'outcome', 'type', 'text']) {
    const value = oneOf(ctx, name);
    if (value !== undefined && value !== '') filter[name] = value;
  }
  return filter;
}

function oneOf(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.length <= LONGEST_SEARCH) return value;
  throw new TrackbridgeError(
    'QUERY_MALFORMED',
    `give ${name} once, with at most ${LONGEST_SEARCH} characters`,
  );
}

function limitOf(ctx: Context): number {
  const limit = Number(oneOf(ctx, 'limit') ?? DEFAULT_LIMIT);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST) return limit;
  throw new TrackbridgeError('QUERY_MALFORMED', `limit is a whole number from 1 to ${MOST}`);
}

/** The tapes behind that of this id; where it is gone, those that began before it: ids are in the order of arrival. */
function after(tapes: readonly Tape[], before: string | undefined): readonly Tape[] {
  if (before === undefined) return tapes;
  const at = tapes.findIndex(({ id }) => id === before);
  return at >= 0 ? tapes.slice(at + 1) : tapes.filter(({ id }) => id < before);
}

function attach(ctx: Context, type: string, name: string, body: string | Buffer): void {
  ctx.set('content-type', type);
  ctx.set('content-disposition', `attachment; filename="${name}"`);
  ctx.body = body;
}
