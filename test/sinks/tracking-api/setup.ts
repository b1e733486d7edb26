import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../../../src/core/json.js';
import type { CanonicalEvent } from '../../../src/event/event.js';
import { withHop } from '../../../src/event/hops.js';
import { type Sink, SinkError, type SinkEvent } from '../../../src/sinks/sink.js';
import { oddEvents, sinkContext, sinkEvent } from '../events.js';
import { type HttpTarget, httpTarget, type Received } from '../http/target.js';

export const WRITE_KEY = 'the-write-key-1';
export const BASIC = `Basic ${Buffer.from(`${WRITE_KEY}:`).toString('base64')}`;
export const never = (): AbortSignal => new AbortController().signal;

/** A vendor's tracking API on a port of its own. */
export interface VendorServer {
  readonly target: HttpTarget;
  readonly url: string;
  /** The messages it has kept, in order. */
  readonly kept: JsonObject[];
  /** Answers as the vendor does, until told otherwise with `target.answer`. */
  behave(): void;
}

type Answer = (
  request: Received,
  body: { readonly batch: readonly JsonObject[] },
  bytes: number,
) => { readonly status: number; readonly text: string; readonly kept?: readonly JsonObject[] };

/**
 * What Segment is known to do: 400 for bodies over 500 kB and for an event over 32 kB, 200 for all else, though of more
 * than 2,500 events it keeps none beyond.
 */
const segment: Answer = (_request, { batch }, bytes) => {
  if (bytes > 500_000 || batch.some((each) => Buffer.byteLength(JSON.stringify(each)) > 32_768)) {
    return { status: 400, text: '{"success":false}' };
  }
  return { status: 200, text: '{"success":true}', kept: batch.slice(0, 2_500) };
};

/** The open-source gateway: key first, then the batch, which one event without a user spoils, then its size. */
const rudderstack: Answer = ({ headers }, { batch }, bytes) => {
  if (headers.authorization !== BASIC) return { status: 401, text: 'invalid write key\n' };
  if (batch.length === 0) return { status: 400, text: 'empty batch payload\n' };
  const nobody = batch.some(({ anonymousId, type, userId }) => {
    return `${anonymousId ?? ''}${userId ?? ''}`.trim() === '' && type !== 'record';
  });
  if (nobody) return { status: 400, text: 'request neither has anonymousId nor userId\n' };
  if (bytes > 4_096_000) return { status: 413, text: 'request size exceeds max limit\n' };
  return { status: 200, text: 'ok', kept: batch };
};

export async function vendorServer(vendor: 'segment' | 'rudderstack'): Promise<VendorServer> {
  const target = await httpTarget();
  const kept: JsonObject[] = [];
  const answer = (request: Received, response: ServerResponse): void => {
    const bytes = Buffer.byteLength(request.body);
    const judge = vendor === 'segment' ? segment : rudderstack;
    const judged = judge(request, JSON.parse(request.body), bytes);
    kept.push(...(judged.kept ?? []));
    response.writeHead(judged.status).end(judged.text);
  };
  const behave = (): void => {
    target.answer = answer;
  };
  behave();
  return { target, url: `http://127.0.0.1:${target.port}`, kept, behave };
}

/** What arrives of an event that the sink of the receiver `this-bridge` sends on. */
export function arriving(
  { event }: SinkEvent,
  toMessage: (event: CanonicalEvent) => JsonObject,
): unknown {
  const message = toMessage(event);
  const context = withHop(Object(message['context']), sinkContext().bridgeId());
  return JSON.parse(JSON.stringify({ ...message, context }));
}

/** Odd events that lack nothing the vendors ask for. */
export function oddVendorEvents(): readonly SinkEvent[] {
  return oddEvents()
    .filter(({ event }) => event.type !== 'delete' && event.type !== 'record')
    .filter(({ json }) => json.length < 30_000)
    .map(({ event }) => sinkEvent(event.messageId, { ...event, groupId: 'g', previousId: 'p' }));
}

/** The SinkError that a delivery ends with. */
export async function failed(delivery: Promise<unknown>): Promise<SinkError> {
  const error = await delivery.catch((thrown: unknown) => thrown);
  if (!(error instanceof SinkError)) throw new Error(`no SinkError was thrown: ${String(error)}`);
  return error;
}

/** Opens a sink for the time of one test. */
export async function using<T>(sink: Sink, use: (sink: Sink) => Promise<T>): Promise<T> {
  await sink.open();
  try {
    return await use(sink);
  } finally {
    await sink.close();
  }
}
