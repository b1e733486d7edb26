import type Router from '@koa/router';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import type { SourceConfig } from '../config/config.js';
import { TrackbridgeError } from '../core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import type { Intake } from '../outbox/intake.js';
import { explainOnThread } from '../workbench/inspect/explain-thread.js';
import type { Inspector } from '../workbench/inspect/inspector.js';
import type { Recording } from '../workbench/inspect/recording.js';
import { type OwnAddress, sendAgain } from '../workbench/inspect/send-again.js';
import { elsewhere, recordingOf } from './delivery-routes.js';

export interface DeliveryActionsDeps {
  readonly inspector: Inspector;
  readonly outbox: Pick<Intake, 'requeue'>;
  readonly uuid: () => string;
  /** Returns the address of the receiver's own listener; undefined if it has none. */
  readonly receiver: () => OwnAddress | undefined;
  /** Returns the source of this name. */
  readonly sourceConfig: (name: string) => SourceConfig | undefined;
  /** The time within which the receiver answers, in milliseconds. */
  readonly budget: () => number;
  /** Aborts when the receiver stops. */
  readonly stopping: AbortSignal;
}

/** Larger bodies take too long to analyze. */
const LARGEST_EXPLAINED = 1024 * 1024;
/** The time that sinks may need to make room, in milliseconds. */
const FULL_FOR = 5_000;
/** How much longer than its budget the receiver may take to answer a delivery that it sends itself, in milliseconds. */
const SLACK = 2_000;

/** The actions for a recorded delivery: explain it, send it again, or replay its events. */
export function deliveryActions(router: Router, deps: DeliveryActionsDeps): void {
  const { inspector } = deps;
  const parse = koaBody({ jsonStrict: true, urlencoded: false, text: false, multipart: false });
  let explaining = false;

  router.post('/api/deliveries/:id/explain', parse, async (ctx: Context) => {
    optionsOf(ctx, []);
    const recording = exactOf(await recordingOf(ctx, inspector));
    if (explaining) {
      throw new TrackbridgeError(
        'RATE_LIMITED',
        'another delivery is being explained; retry later',
        {
          retryAfter: 2_000,
        },
      );
    }
    explaining = true;
    try {
      ctx.body = await explain(recording, deps);
    } finally {
      explaining = false;
    }
  });

  router.post('/api/deliveries/:id/send-again', parse, async (ctx: Context) => {
    const { newIds = false } = optionsOf(ctx, ['newIds']);
    if (typeof newIds !== 'boolean') throw malformed('newIds must be true or false');
    const recording = exactOf(await recordingOf(ctx, inspector));
    const to = deps.receiver();
    if (to === undefined) {
      throw new TrackbridgeError(
        'NOT_FOUND',
        'this receiver is embedded in another program and has no address of its own; send the delivery to that program',
      );
    }
    const source = deps.sourceConfig(recording.start.source);
    const timeout = deps.budget() + SLACK;
    const sent = await sendAgain(recording, { to, source, newIds, timeout, uuid: deps.uuid });
    ctx.body = { ...sent, body: inspector.view.mask.text(sent.body) };
  });

  router.post('/api/deliveries/:id/replay', parse, async (ctx: Context) => {
    const { sinks } = optionsOf(ctx, ['sinks']);
    const wanted = sinksOf(sinks, inspector.sinks);
    const recording = await recordingOf(ctx, inspector);
    const { origin } = recording;
    if (origin !== undefined && !origin.isWhole) {
      throw elsewhere(recording, 'only a part of its events is shared');
    }
    const { events, positions } = recording.replayable();
    if (events.length === 0 || wanted.length === 0) {
      ctx.body = { replayed: 0 };
      return;
    }
    const requeued = await deps.outbox.requeue(events, wanted);
    inspector.recorder.replayed(
      recording,
      requeued.flatMap(({ ids }) => ids),
      requeued.flatMap(({ ids }) => ids.map((_, at) => positions[at] ?? 0)),
    );
    const replayed = Math.max(0, ...requeued.map(({ ids }) => ids.length));
    const full = requeued.filter(({ ids }) => ids.length < events.length).map(({ sink }) => sink);
    if (replayed === 0) {
      throw new TrackbridgeError(
        'OUTBOX_FULL',
        `too many pending events (maxPending) for ${full.join(', ')}; replay later`,
        { retryAfter: FULL_FOR },
      );
    }
    const notKept = recording.counts.accepted - events.length;
    ctx.body = {
      replayed,
      ...(full.length > 0 ? { full } : {}),
      ...(notKept > 0 ? { notKept } : {}),
    };
  });
}

/** Returns a recording exactly as it was received. Throws NOT_FOUND. */
function exactOf(recording: Recording): Recording {
  if (recording.origin?.isExact !== false) return recording;
  throw elsewhere(recording, 'a part of it is hidden here');
}

async function explain(recording: Recording, deps: DeliveryActionsDeps): Promise<JsonObject> {
  const { body = Buffer.alloc(0), start, verification } = recording;
  if (start.source === '') return { verified: null, sentences: [pathsOf(deps)] };
  if (body.length > LARGEST_EXPLAINED) {
    throw new TrackbridgeError('BODY_TOO_LARGE', 'bodies over 1 MB cannot be explained here');
  }
  const explained = await explainOnThread(
    {
      schemes: deps.sourceConfig(start.source)?.verify ?? [],
      rawHeaders: start.rawHeaders,
      body,
      verified: verification?.passed ?? null,
      ...(verification?.passed === false ? { reason: verification.reason } : {}),
    },
    deps.stopping,
  );
  const { explanation = {}, sentences, verified } = explained;
  // The findings as well: a deviation quotes the request.
  const shown = { ...explanation, verified, sentences } as unknown as JsonValue;
  return deps.inspector.view.mask.json(shown) as JsonObject;
}

function pathsOf({ inspector, sourceConfig }: DeliveryActionsDeps): string {
  const paths = inspector.sources.map((name) => `${sourceConfig(name)?.path} (${name})`).join(', ');
  return `No source has this path. Use one of these in the vendor's settings: ${paths}.`;
}

/** Returns the members of the body. Unknown ones are rejected: a misspelled `sinks` would select all sinks. */
function optionsOf(ctx: Context, known: readonly string[]): JsonObject {
  const body: unknown = ctx.request.body;
  if (!isObject(body)) throw malformed('send a JSON object, such as {}');
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown === undefined) return body;
  throw malformed(known.length === 0 ? 'send {}' : `allowed keys: ${known.join(', ')}`);
}

function sinksOf(value: JsonValue | undefined, known: readonly string[]): readonly string[] {
  if (value === undefined) return known;
  const isNamed = (each: JsonValue): each is string =>
    typeof each === 'string' && known.includes(each);
  if (Array.isArray(value) && value.length > 0 && value.every(isNamed)) return [...new Set(value)];
  throw malformed(`sinks must be a list of configured sinks: ${known.join(', ') || 'none'}`);
}

function malformed(message: string): TrackbridgeError {
  return new TrackbridgeError('BODY_MALFORMED', message);
}
