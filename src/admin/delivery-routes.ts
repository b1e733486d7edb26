import type Router from '@koa/router';
import type { Context } from 'koa';
import { TrackbridgeError } from '../core/errors.js';
import { curlOf } from '../workbench/inspect/curl.js';
import { compileFilter, type DeliveryFilter } from '../workbench/inspect/filter.js';
import { fixtureOf } from '../workbench/inspect/fixture.js';
import type { Inspector } from '../workbench/inspect/inspector.js';
import type { Recording } from '../workbench/inspect/recording.js';
import type { OwnAddress } from '../workbench/inspect/send-again.js';

const MOST = 1_000;
const DEFAULT_LIMIT = 100;
const LONGEST_SEARCH = 500;

export interface DeliveryRoutesDeps {
  readonly inspector: Inspector;
  /** Returns the address of the receiver's own listener; undefined if it has none. */
  readonly receiver: () => OwnAddress | undefined;
}

/** The read-only routes for recorded deliveries: the list, a single delivery, and the formats to export it in. */
export function deliveryRoutes(router: Router, deps: DeliveryRoutesDeps): void {
  const { inspector, receiver } = deps;
  const { recorder, view } = inspector;

  router.get('/api/deliveries', async (ctx) => {
    await inspector.sharing?.refresh();
    ctx.set('x-recording', recorder.isKeeping ? 'on' : 'off');
    const wants = compileFilter(filterOf(ctx));
    const limit = limitOf(ctx);
    const found = [];
    for (const recording of after(recorder.kept(), oneOf(ctx, 'before'))) {
      const summary = view.summary(recording);
      if (wants(summary)) found.push(summary);
      if (found.length === limit) break;
    }
    ctx.body = found;
  });

  router.get('/api/deliveries/:id', async (ctx) => {
    ctx.body = view.record(await recordingOf(ctx, inspector));
  });

  router.get('/api/deliveries/:id/body', async (ctx) => {
    const recording = completeOf(await recordingOf(ctx, inspector));
    attach(ctx, 'application/octet-stream', `body-${recording.id}.bin`, view.body(recording).bytes);
  });

  router.get('/api/deliveries/:id/curl', async (ctx) => {
    const recording = completeOf(await recordingOf(ctx, inspector));
    ctx.set('content-type', 'text/plain; charset=utf-8');
    ctx.body = curlOf(recording, view, receiver()?.url ?? 'http://127.0.0.1:8080');
  });

  router.get('/api/deliveries/:id/fixture', async (ctx) => {
    const recording = completeOf(await recordingOf(ctx, inspector));
    const text = `${JSON.stringify(fixtureOf(recording, view), undefined, 2)}\n`;
    attach(ctx, 'application/json; charset=utf-8', `delivery-${recording.id}.json`, text);
  });
}

/** Returns the delivery that the path names. Throws NOT_FOUND. */
export async function recordingOf(
  ctx: Context,
  { recorder, sharing }: Inspector,
): Promise<Recording> {
  const id = String(ctx['params']['id']);
  await sharing?.refresh();
  const recording = recorder.find(id);
  if (recording !== undefined) return recording;
  const why = recorder.isKeeping
    ? 'it was not recorded, or was dropped for newer ones (admin.record)'
    : 'nothing is recorded; set admin.record';
  throw new TrackbridgeError('NOT_FOUND', `there is no delivery with this id; ${why}`);
}

/** Returns a recording with its whole body, though not with what is hidden in it. Throws NOT_FOUND. */
function completeOf(recording: Recording): Recording {
  if (recording.origin?.isCut !== true) return recording;
  throw elsewhere(recording, 'its body is too large to be shared');
}

/** The problem with a delivery that another member received and of which this one does not know enough. */
export function elsewhere({ start }: Recording, why: string): TrackbridgeError {
  const member = start.member ?? 'another member';
  const message = `${member} received this delivery, and ${why}; use the inspector of ${member}`;
  return new TrackbridgeError('NOT_FOUND', message);
}

/** Returns the filters `source`, `outcome`, `type` and `text` that the query contains. Throws QUERY_MALFORMED. */
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
    `set ${name} once, to at most ${LONGEST_SEARCH} characters`,
  );
}

function limitOf(ctx: Context): number {
  const limit = Number(oneOf(ctx, 'limit') ?? DEFAULT_LIMIT);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST) return limit;
  throw new TrackbridgeError('QUERY_MALFORMED', `limit must be a whole number from 1 to ${MOST}`);
}

/**
 * Returns the recordings after the one with this id. If that one is gone, returns those that began before it: ids are in the
 * order of arrival.
 */
function after(recordings: readonly Recording[], before: string | undefined): readonly Recording[] {
  if (before === undefined) return recordings;
  const at = recordings.findIndex(({ id }) => id === before);
  return at >= 0 ? recordings.slice(at + 1) : recordings.filter(({ id }) => id < before);
}

function attach(ctx: Context, type: string, name: string, body: string | Buffer): void {
  ctx.set('content-type', type);
  ctx.set('content-disposition', `attachment; filename="${name}"`);
  ctx.body = body;
}
