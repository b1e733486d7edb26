import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { TrackbridgeError } from '../errors.js';
import { type CanonicalEvent, isObject, type JsonObject } from '../event/event.js';
import { hopsOf, MOST_HOPS, withHop } from '../event/hops.js';
import {
  DELIVERED,
  type DeliveryResult,
  failureOf,
  resultOf,
  type Sink,
  type SinkContext,
  type SinkEvent,
} from './sink.js';
import { chunk, type RequestLimits, type Sized } from './tracking-api-chunks.js';

const compress = promisify(gzip);

/** What is particular about a vendor's tracking API. */
export interface Dialect {
  readonly vendor: string;
  /** Why the vendor would not take an event; undefined where it would. */
  missing(event: CanonicalEvent): string | undefined;
  /** The event as the vendor's `/v1/batch` takes it. */
  message(event: CanonicalEvent): JsonObject;
  readonly limits: RequestLimits & {
    /** Bytes of one message, and the limit in words. */
    readonly event: { readonly bytes: number; readonly text: string };
  };
  /** Members of the body beside `batch` and `sentAt`. */
  readonly envelope: JsonObject;
  /** How else an event reaches the vendor than in a batch; undefined where it does not need to. */
  separately?(event: CanonicalEvent): ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** The way to a vendor: rejects with a SinkError unless the request arrived. */
export interface Transport {
  open(): void;
  send(body: string | Buffer, headers: Headers, signal: AbortSignal): Promise<void>;
  check(): Promise<void>;
  close(): Promise<void>;
}

type Headers = Readonly<Record<string, string>>;

/** One request, and which events of the batch it carries. */
interface Parcel {
  readonly indices: readonly number[];
  send(signal: AbortSignal): Promise<void>;
  /** The same as two requests; absent where it is of one event. */
  halves?(): readonly [Parcel, Parcel];
}

interface Message extends Sized {
  readonly index: number;
}

/**
 * A sink for a vendor's `/v1/batch`: every event in the vendor's form and with this bridge's hop, in requests within the
 * vendor's limits, in order. Throws CONFIG_INVALID for a format of ours, which no vendor reads.
 */
export function createTrackingApiSink(
  dialect: Dialect,
  transport: Transport,
  options: { readonly gzip: boolean },
  context: SinkContext,
): Sink {
  if (context.format === 'cloudevents') {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      `format: ${dialect.vendor} takes its own form only; leave format out`,
    );
  }
  const tail = tailOf(dialect.envelope);
  const envelope = byteLength(bodyOf([], context.clock.now(), tail));

  function messageOf(event: CanonicalEvent): string {
    const message = dialect.message(event);
    const own = isObject(message['context']) ? message['context'] : {};
    return JSON.stringify({ ...message, context: withHop(own, context.bridgeId()) });
  }

  function refusal(event: CanonicalEvent, bytes: number): string | undefined {
    const { event: one, bytes: whole } = dialect.limits;
    const size = `${bytes.toLocaleString('en-US')} bytes`;
    if (bytes > Math.min(one.bytes, whole - envelope)) {
      return `over ${dialect.vendor}'s limit of ${one.text} (${size})`;
    }
    if (hopsOf(event).length >= MOST_HOPS) {
      return `the event has passed through ${MOST_HOPS} bridges already: they send it in a circle`;
    }
    return undefined;
  }

  function parcelOf(messages: readonly Message[]): Parcel {
    const middle = Math.ceil(messages.length / 2);
    return {
      ...(messages.length > 1 && {
        halves: () => [parcelOf(messages.slice(0, middle)), parcelOf(messages.slice(middle))],
      }),
      indices: messages.map(({ index }) => index),
      async send(signal) {
        const body = bodyOf(messages, context.clock.now(), tail);
        const headers = { 'content-type': 'application/json' };
        if (!options.gzip) return await transport.send(body, headers, signal);
        const packed = { ...headers, 'content-encoding': 'gzip' };
        await transport.send(await compress(body), packed, signal);
      },
    };
  }

  /** What to send, in order; what cannot be sent is judged at once. */
  function plan(batch: readonly SinkEvent[], results: DeliveryResult[]): Parcel[] {
    const parcels: Parcel[] = [];
    let waiting: Message[] = [];
    const pack = (): void => {
      parcels.push(...chunk(waiting, dialect.limits, envelope).map(parcelOf));
      waiting = [];
    };
    batch.forEach(({ event }, index) => {
      const separate = dialect.separately?.(event);
      if (separate !== undefined) {
        // In its place: what came before must not arrive after it.
        pack();
        parcels.push({ indices: [index], send: separate });
        return;
      }
      const missing = dialect.missing(event);
      const json = missing === undefined ? messageOf(event) : '';
      const bytes = byteLength(json);
      const error = missing ?? refusal(event, bytes);
      if (error === undefined) waiting.push({ index, json, bytes });
      else results[index] = { ok: false, retryable: false, error };
    });
    pack();
    return parcels;
  }

  return {
    open: async () => transport.open(),
    check: () => transport.check(),
    close: () => transport.close(),

    async deliver(batch, signal) {
      const results: DeliveryResult[] = new Array(batch.length);
      const queue = plan(batch, results);
      let arrived = false;
      for (let parcel = queue.shift(); parcel !== undefined; parcel = queue.shift()) {
        const error = await failureOf(parcel.send(signal));
        const halves = parcel.halves?.();
        if (error !== undefined && !error.retryable && halves !== undefined) {
          // One event is the cause, and the dispatcher halves the batch until it has found it, with a timeout of its own
          // for each half. What has arrived must not be sent again for that, so from then on it is found here.
          if (!arrived) throw error;
          queue.unshift(...halves);
          continue;
        }
        arrived ||= error === undefined;
        for (const index of parcel.indices) {
          results[index] = error === undefined ? DELIVERED : resultOf(error);
        }
        if (error?.retryable) {
          // What follows may belong to the same user, and must not overtake.
          for (const index of queue.flatMap(({ indices }) => indices)) {
            results[index] = resultOf(error);
          }
          break;
        }
      }
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
