import { TrackbridgeError } from '../errors.js';
import type { CanonicalEvent } from '../event/event.js';
import { loadDriver } from './driver.js';
import { interrupted, orInterrupted } from './interrupt.js';
import { RedisConnection, type RedisPlace, redisPlace } from './redis-connection.js';
import { hashTagged, redisKeyPart } from './redis-keys.js';
import { type RedisCommand, RedisTransactions } from './redis-transactions.js';
import {
  DELIVERED,
  type DeliveryResult,
  resultOf,
  type Sink,
  SinkError,
  type SinkEvent,
  type SinkType,
} from './sink.js';
import { compileTemplate, PROBE } from './template.js';

/** Options of a `redis` sink, as its schema lets them through. */
export interface RedisSinkOptions extends RedisPlace {
  /** The key of the stream; may hold `{type}`, `{event}`, `{userId}` and `{source}`. */
  readonly stream: string;
  /** Entries that a stream keeps, about; all where absent. */
  readonly maxLength?: number;
  readonly deduplicate: boolean;
  /** Milliseconds. */
  readonly dedupeWindow: number;
}

export const redisSink: SinkType = {
  type: 'redis',
  async create(options, context) {
    const { Redis } = await loadDriver('ioredis', () => import('ioredis'), context.name);
    // The shape is what schemas/sinks/redis.schema.json let through.
    return createRedisSink(options as unknown as RedisSinkOptions, Redis);
  },
};

/**
 * A sink that appends events to Redis Streams: one MULTI a stream and batch, so that what one connection loses is lost, and
 * sent again, as a whole. `Redis` is the driver's class. Throws CONFIG_INVALID for a URL or stream that cannot be.
 */
export function createRedisSink(
  options: RedisSinkOptions,
  Redis: ConstructorParameters<typeof RedisConnection>[1],
): Sink {
  const streamOf = compileStream(options.stream);
  const connection = new RedisConnection(redisPlace(options), Redis);
  const transactions = new RedisTransactions({
    who: connection.who,
    // Where events choose the stream, one that points at a key of another type must not hold up the others.
    ownStreams: streamOf(PROBE) !== options.stream,
  });

  /** XADD, or the script that first looks whether the messageId was there. `id` is `*` but for a probe. */
  function commandFor(event: CanonicalEvent, stream: string, json: string, id: string) {
    const { messageId, type } = event;
    const { source } = event.receipt;
    const trim = options.maxLength === undefined ? [] : ['MAXLEN', '~', String(options.maxLength)];
    const entry = ['messageId', messageId, 'type', type, 'source', source, 'json', json];
    const seen = options.deduplicate
      ? { key: `${hashTagged(stream)}:seen:${source}:${messageId}`, window: options.dedupeWindow }
      : undefined;
    return { stream, entry: [...trim, id, ...entry], seen } satisfies RedisCommand;
  }

  /** Ends the connection with the attempt: what is under way on one that hangs would never end, nor would the next. */
  async function attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const drop = (): void => connection.drop(interrupted(signal));
    if (!signal.aborted) signal.addEventListener('abort', drop, { once: true });
    try {
      return await orInterrupted(work, signal);
    } finally {
      signal.removeEventListener('abort', drop);
    }
  }

  return {
    async open() {
      await connection.ready();
    },

    deliver: (batch, signal) =>
      attempt(async (): Promise<readonly DeliveryResult[]> => {
        const client = await connection.ready();
        const results: DeliveryResult[] = new Array(batch.length);
        const sent = [...byStream(batch, streamOf)].map(async ([stream, indices]) => {
          const commands = indices.map((index) => {
            const { event, json } = batch[index] as SinkEvent;
            return commandFor(event, stream, json, '*');
          });
          const failures = await transactions.send(client, commands);
          indices.forEach((index, position) => {
            const failure = failures[position];
            results[index] = failure === undefined ? DELIVERED : resultOf(failure);
          });
        });
        await Promise.all(sent);
        return results;
      }, signal),

    async check() {
      const client = await connection.ready();
      const stream = streamOf(PROBE);
      await transactions.probe(client, commandFor(PROBE, stream, '{}', '0-0'));
    },

    async close() {
      connection.drop(new SinkError(`${connection.who} was closed`, { retryable: true }));
    },
  };
}

function compileStream(stream: string): (event: CanonicalEvent) => string {
  try {
    const compiled = compileTemplate(stream, redisKeyPart);
    hashTagged(compiled(PROBE));
    return compiled;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new TrackbridgeError('CONFIG_INVALID', `stream: ${cause.message}`, { cause });
  }
}

/** Which events go to which stream, each list in the batch's order. */
function byStream(
  batch: readonly SinkEvent[],
  streamOf: (event: CanonicalEvent) => string,
): ReadonlyMap<string, readonly number[]> {
  const streams = new Map<string, number[]>();
  batch.forEach(({ event }, index) => {
    const stream = streamOf(event);
    const indices = streams.get(stream);
    if (indices === undefined) streams.set(stream, [index]);
    else indices.push(index);
  });
  return streams;
}
