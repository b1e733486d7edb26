import type Router from '@koa/router';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import type { SourceConfig } from '../config/config.js';
import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../event/event.js';
import { explainOnThread } from '../inspect/explain-thread.js';
import type { Inspector } from '../inspect/inspector.js';
import { sendAgain } from '../inspect/send-again.js';
import type { Tape } from '../inspect/tape.js';
import type { Outbox } from '../outbox/outbox.js';
import { tapeOf } from './delivery-routes.js';

export interface DeliveryActionsDeps {
  readonly inspector: Inspector;
  readonly outbox: Pick<Outbox, 'again'>;
  readonly uuid: () => string;
  /** `http://host:port` of the receiver's own listener; undefined where it has none. */
  readonly receiverUrl: () => string | undefined;
  /** The source of this name. */
  readonly sourceConfig: (name: string) => SourceConfig | undefined;
  /** Milliseconds within which the receiver answers. */
  readonly budget: number;
  /** Aborts when the receiver stops. */
  readonly stopping: AbortSignal;
}

/** Larger bodies take too long to look into. */
const LARGEST_EXPLAINED = 1024 * 1024;
/** How much longer than its budget the receiver may take to answer a delivery of its own. */
const SLACK = 2_000;

/** What an operator does with a recorded delivery: have it explained, sent again, or its events replayed. */
export function deliveryActions(router: Router, deps: DeliveryActionsDeps): void {
  const { inspector } = deps;
  const parse = koaBody({ jsonStrict: true, urlencoded: false, text: false, multipart: false });
  let explaining = false;

  router.post('/api/deliveries/:id/explain', parse, async (ctx: Context) => {
    optionsOf(ctx, []);
    const tape = tapeOf(ctx, inspector);
    if (explaining) {
      throw new TrackbridgeError('RATE_LIMITED', 'another delivery is being explained; try again', {
        retryAfter: 2_000,
      });
    }
    explaining = true;
    try {
      ctx.body = await explain(tape, deps);
    } finally {
      explaining = false;
    }
  });

  router.post('/api/deliveries/:id/send-again', parse, async (ctx: Context) => {
    const { newIds = false } = optionsOf(ctx, ['newIds']);
    if (typeof newIds !== 'boolean') throw malformed('newIds is true or false');
    const tape = tapeOf(ctx, inspector);
    const url = deps.receiverUrl();
    if (url === undefined) {
      throw new TrackbridgeError(
        'NOT_FOUND',
        'this receiver listens nowhere itself: it is part of another program; send the delivery there',
      );
    }
    const source = deps.sourceConfig(tape.start.source);
    const timeout = deps.budget + SLACK;
    const sent = await sendAgain(tape, { url, source, newIds, timeout, uuid: deps.uuid });
    ctx.body = { ...sent, body: inspector.view.mask.text(sent.body) };
  });

  router.post('/api/deliveries/:id/replay', parse, async (ctx: Context) => {
    const { sinks } = optionsOf(ctx, ['sinks']);
    const wanted = sinksOf(sinks, inspector.sinks);
    const tape = tapeOf(ctx, inspector);
    const { events, places } = tape.replayable();
    if (events.length === 0 || wanted.length === 0) {
      ctx.body = { replayed: 0 };
      return;
    }
    const ids = await deps.outbox.again(events, wanted);
    inspector.recorder.replayed(
      tape,
      ids,
      ids.map((_, at) => places[at % places.length] ?? 0),
    );
    const notKept = tape.counts.accepted - events.length;
    ctx.body = { replayed: events.length, ...(notKept > 0 ? { notKept } : {}) };
  });
}

async function explain(tape: Tape, deps: DeliveryActionsDeps): Promise<JsonObject> {
  const { body = Buffer.alloc(0), start, verification } = tape;
  if (start.source === '') return { verified: null, sentences: [pathsOf(deps)] };
  if (body.length > LARGEST_EXPLAINED) {
    throw new TrackbridgeError('BODY_TOO_LARGE', 'bodies over 1 MB are not explained here');
  }
  const explained = await explainOnThread(
    {
      schemes: deps.sourceConfig(start.source)?.verify ?? [],
      rawHeaders: start.rawHeaders,
      body,
      verified: verification?.holds ?? null,
      ...(verification?.holds === false ? { reason: verification.reason } : {}),
    },
    deps.stopping,
  );
  const { explanation = {}, sentences, verified } = explained;
  // Also what is found: a deviation names what stands in the request.
  const shown = { ...explanation, verified, sentences } as unknown as JsonValue;
  return deps.inspector.view.mask.json(shown) as JsonObject;
}

function pathsOf({ inspector, sourceConfig }: DeliveryActionsDeps): string {
  const paths = inspector.sources.map((name) => `${sourceConfig(name)?.path} (${name})`).join(', ');
  return `No source has this path. Put one that has a source into the vendor's settings: ${paths}.`;
}

/** The body's members. What is not known is refused: a misspelt `sinks` would reach all of them. */
function optionsOf(ctx: Context, known: readonly string[]): JsonObject {
  const body: unknown = ctx.request.body;
  if (!isObject(body)) throw malformed('send a JSON object; {} will do');
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown === undefined) return body;
  throw malformed(known.length === 0 ? 'send {}' : `send only ${known.join(', ')}`);
}

function sinksOf(value: JsonValue | undefined, known: readonly string[]): readonly string[] {
  if (value === undefined) return known;
  const isNamed = (each: JsonValue): each is string =>
    typeof each === 'string' && known.includes(each);
  if (Array.isArray(value) && value.length > 0 && value.every(isNamed)) return [...new Set(value)];
  throw malformed(`sinks is a list of some of ${known.join(', ') || 'none'}`);
}

function malformed(message: string): TrackbridgeError {
  return new TrackbridgeError('BODY_MALFORMED', message);
}
