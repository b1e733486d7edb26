import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SinkOptions } from '../../config/config.js';
import { TrackbridgeError } from '../../core/errors.js';
import { isObject, type JsonObject } from '../../core/json.js';
import type { CanonicalEvent } from '../../event/event.js';
import { hopsOf, MOST_HOPS, withHop } from '../../event/hops.js';
import { type BatchRequest, halved, sendInOrder } from '../kit/in-order.js';
import type { DeliveryResult, Sink, SinkContext, SinkEvent } from '../sink.js';
import { chunk, type RequestLimits, type Sized } from './chunks.js';
import { createUnmappedReport } from './unmapped.js';

const compress = promisify(gzip);

/** What is specific to a vendor's tracking API. */
export interface VendorApi {
  readonly name: string;
  /** Returns why the vendor would reject an event; undefined if it would accept it. */
  missing(event: CanonicalEvent): string | undefined;
  /**
   * Converts the event for the vendor's `/v1/batch`. Calls `onUnmapped` with each name in `integrations` without a
   * counterpart.
   */
  message(event: CanonicalEvent, onUnmapped: (name: string) => void): JsonObject;
  readonly limits: RequestLimits & {
    /** Bytes of one message, and the limit in words. */
    readonly event: { readonly bytes: number; readonly text: string };
  };
  /** Members of the body besides `batch` and `sentAt`. */
  readonly envelope: JsonObject;
  /** Returns how an event is sent other than in a batch; undefined if it is not. */
  separately?(event: CanonicalEvent): ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** Sends a request to a vendor. Rejects with a SinkError unless the request was delivered. */
export interface Transport {
  open(): void;
  send(body: string | Buffer, headers: Headers, signal: AbortSignal): Promise<void>;
  check(): Promise<void>;
  close(): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

/** The options of both vendors' sinks. */
export type TrackingApiOptions = Pick<SinkOptions['segment' | 'rudderstack'], 'gzip' | 'loopGuard'>;

interface Message extends Sized {
  readonly index: number;
  readonly unmapped: readonly string[];
}

/**
 * Creates a sink for a vendor's `/v1/batch`: every event in the vendor's form and, unless `loopGuard` is off, with this
 * bridge's hop, in requests within the vendor's limits, in order. Throws CONFIG_INVALID for a `format`, which no vendor
 * can read.
 */
export function createTrackingApiSink(
  api: VendorApi,
  transport: Transport,
  options: TrackingApiOptions,
  context: SinkContext,
): Sink {
  if (context.format === 'cloudevents') {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      `format: ${api.name} accepts only its own format; remove format`,
    );
  }
  const tail = tailOf(api.envelope);
  const envelope = byteLength(bodyOf([], context.clock.now(), tail));
  const reportUnmapped = createUnmappedReport(api.name, context);

  function messageOf(event: CanonicalEvent, onUnmapped: (name: string) => void): string {
    const message = api.message(event, onUnmapped);
    if (!options.loopGuard) return JSON.stringify(message);
    const own = isObject(message['context']) ? message['context'] : {};
    return JSON.stringify({ ...message, context: withHop(own, context.bridgeId()) });
  }

  function refusal(event: CanonicalEvent, bytes: number): string | undefined {
    const { event: one, bytes: whole } = api.limits;
    const size = `${bytes.toLocaleString('en-US')} bytes`;
    if (bytes > Math.min(one.bytes, whole - envelope)) {
      return `over ${api.name}'s limit of ${one.text} (${size})`;
    }
    if (options.loopGuard && hopsOf(event).length >= MOST_HOPS) {
      return `the event has passed through ${MOST_HOPS} receivers, which forward it in a loop`;
    }
    return undefined;
  }

  function requestOf(messages: readonly Message[], signal: AbortSignal): BatchRequest {
    return {
      ...(messages.length > 1 && {
        halves() {
          const [first, second] = halved(messages);
          return [requestOf(first, signal), requestOf(second, signal)];
        },
      }),
      indices: messages.map(({ index }) => index),
      async send() {
        const body = bodyOf(messages, context.clock.now(), tail);
        const headers = { 'content-type': 'application/json' };
        if (options.gzip) {
          const packed = { ...headers, 'content-encoding': 'gzip' };
          await transport.send(await compress(body), packed, signal);
        } else {
          await transport.send(body, headers, signal);
        }
        reportUnmapped(messages.flatMap(({ unmapped }) => unmapped));
      },
    };
  }

  /** Returns what to send, in order. Events that cannot be sent get their result at once. */
  function plan(
    batch: readonly SinkEvent[],
    results: DeliveryResult[],
    signal: AbortSignal,
  ): BatchRequest[] {
    const requests: BatchRequest[] = [];
    let waiting: Message[] = [];
    const pack = (): void => {
      const runs = chunk(waiting, api.limits, envelope);
      requests.push(...runs.map((messages) => requestOf(messages, signal)));
      waiting = [];
    };
    batch.forEach(({ event }, index) => {
      const separate = api.separately?.(event);
      if (separate !== undefined) {
        // Keeps its position: earlier events must not be delivered after it.
        pack();
        requests.push({ indices: [index], send: () => separate(signal) });
        return;
      }
      const missing = api.missing(event);
      const unmapped: string[] = [];
      const json = missing === undefined ? messageOf(event, (name) => unmapped.push(name)) : '';
      const bytes = byteLength(json);
      const message = missing ?? refusal(event, bytes);
      if (message === undefined) waiting.push({ index, json, bytes, unmapped });
      else results[index] = { ok: false, message, retryable: false };
    });
    pack();
    return requests;
  }

  return {
    open: async () => transport.open(),
    check: () => transport.check(),
    close: () => transport.close(),

    async deliver(batch, signal) {
      const results: DeliveryResult[] = new Array(batch.length);
      await sendInOrder(plan(batch, results, signal), results, 'throw');
      return results;
    },
  };
}

function bodyOf(messages: readonly Sized[], now: number, tail: string): string {
  const batch = messages.map(({ json }) => json).join(',');
  return `{"batch":[${batch}],"sentAt":"${new Date(now).toISOString()}"${tail}}`;
}

function tailOf(envelope: JsonObject): string {
  const text = JSON.stringify(envelope).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
