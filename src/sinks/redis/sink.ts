import type { SinkOptions } from '../../config/config.js';
import { loadDriver } from '../../core/driver.js';
import { TrackbridgeError } from '../../core/errors.js';
import type { CanonicalEvent } from '../../event/event.js';
import { idText } from '../kit/id-text.js';
import { indicesBy } from '../kit/in-order.js';
import { SharedConnection } from '../kit/shared-connection.js';
import { compileTemplate, PROBE } from '../kit/template.js';
import {
  DELIVERED,
  type DeliveryResult,
  resultOf,
  type Sink,
  type SinkEvent,
  type SinkType,
} from '../sink.js';
import { RedisConnection, redisAddress, redisName } from './connection.js';
import { hashTagged, redisKeyPart } from './keys.js';
import { type RedisCommand, RedisTransactions } from './transactions.js';

/** Options of a `redis` sink, as validated by its schema. */
export type RedisSinkOptions = SinkOptions['redis'];

export const redisSink: SinkType<'redis'> = {
  type: 'redis',
  async create(options, context) {
    const { Redis } = await loadDriver('ioredis', () => import('ioredis'), context.name);
    return createRedisSink(options, Redis);
  },
};

/**
 * Creates a sink that appends events to Redis Streams: one MULTI per stream and batch, so that a lost connection loses,
 * and a retry resends, the whole. `Redis` is the driver's class. Throws CONFIG_INVALID for an invalid URL or stream.
 */
export function createRedisSink(
  options: RedisSinkOptions,
  Redis: ConstructorParameters<typeof RedisConnection>[1],
): Sink {
  const streamOf = compileStream(options.stream);
  const address = redisAddress(options);
  const connections = new SharedConnection(() => new RedisConnection(address, Redis));
  const transactions = new RedisTransactions({
    who: redisName(address),
    // If events choose the stream, one that selects a key of another type must not block the others.
    ownStreams: streamOf(PROBE) !== options.stream,
  });

  /** XADD, or the script that first checks for the deduplication key. `id` is `*` except in a probe. */
  function commandFor(sent: Sent, stream: string, id: string) {
    const { dedupeKey, event, json, messageId, trace } = sent;
    const { type } = event;
    const { source } = event.receipt;
    const trim = options.maxLength === undefined ? [] : ['MAXLEN', '~', String(options.maxLength)];
    const key = idText(dedupeKey);
    const ids = ['messageId', messageId, 'dedupeKey', key];
    const traced = Object.entries(trace ?? {}).flat();
    const entry = [...ids, 'type', type, 'source', source, ...traced, 'json', json];
    const seen = options.deduplicate
      ? { key: `${hashTagged(stream)}:seen:${key}`, window: options.dedupeWindow }
      : undefined;
    return { stream, entry: [...trim, id, ...entry], seen } satisfies RedisCommand;
  }

  return {
    async open() {
      await connections.use((connection) => connection.ready());
    },

    deliver: (batch, signal) =>
      // An error that Redis answers leaves the connection intact; a connection that ended reports that itself.
      connections.use(async (connection): Promise<readonly DeliveryResult[]> => {
        const client = await connection.ready();
        const results: DeliveryResult[] = new Array(batch.length);
        const streams = indicesBy(batch, ({ event }) => streamOf(event));
        const sent = [...streams].map(async ([stream, indices]) => {
          const commands = indices.map((index) => {
            return commandFor(batch[index] as SinkEvent, stream, '*');
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
      await connections.once(async (connection) => {
        const client = await connection.ready();
        await transactions.probe(client, commandFor(PROBE_SENT, streamOf(PROBE), '0-0'));
      });
    },

    close: () => connections.close(),
  };
}

/** The content of an entry. */
type Sent = Pick<SinkEvent, 'dedupeKey' | 'event' | 'json' | 'messageId' | 'trace'>;

const PROBE_SENT: Sent = { dedupeKey: 'check', event: PROBE, json: '{}', messageId: 'check' };

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
