import type { SinkOptions } from '../../config/config.js';
import { TrackbridgeError } from '../../core/errors.js';
import { idText } from '../kit/id-text.js';
import { type BatchRequest, halved, indicesBy, sendInOrder } from '../kit/in-order.js';
import { interrupted } from '../kit/interrupt.js';
import { SharedConnection } from '../kit/shared-connection.js';
import { compileTemplate, isChosenBySenders, type Template } from '../kit/template.js';
import {
  type DeliveryResult,
  isTransient,
  type Sink,
  type SinkContext,
  type SinkEvent,
  type SinkType,
} from '../sink.js';
import { kafkaFailure } from './failure.js';
import { type KafkaClient, type KafkaMessage, loadKafka } from './producer.js';

export type KafkaOptions = SinkOptions['kafka'];

export const kafkaSink: SinkType<'kafka'> = {
  type: 'kafka',
  create: (options, context) => createKafkaSink(options, context),
};

/** Kafka's limit on a topic's name, and our limit on each value in it. */
const TOPIC_LENGTH = 249;
const VALUE_LENGTH = 100;

/** Bytes of values in a request: below the megabyte that a topic accepts by default (max.message.bytes). */
const REQUEST_BYTES = 900_000;

type Indexed = { readonly index: number; readonly message: KafkaMessage };

/**
 * Produces events to Kafka, acknowledged by all in-sync replicas. The user is the key, so each user's events stay in
 * order in one partition. Throws CONFIG_INVALID for an invalid topic, or if kafkajs is missing.
 */
export async function createKafkaSink(
  options: KafkaOptions,
  context: SinkContext,
  connect?: () => KafkaClient,
): Promise<Sink> {
  const topicOf = compileTopic(options.topic);
  // Brokers that create topics need a moment for it.
  const chosen = isChosenBySenders(options.topic) && !options.createTopics;
  const contentType =
    context.format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json';
  const clients = new SharedConnection(connect ?? (await loadKafka(options, context)));

  function requestOf(
    to: KafkaClient,
    topic: string,
    indexed: readonly Indexed[],
    signal: AbortSignal,
  ): BatchRequest {
    return {
      indices: indexed.map(({ index }) => index),
      async send() {
        if (signal.aborted) throw interrupted(signal);
        try {
          const messages = indexed.map(({ message }) => message);
          await to.send(topic, messages);
        } catch (error) {
          throw kafkaFailure(error, `topic ${topic}`, chosen);
        }
      },
      ...(indexed.length > 1 && {
        halves() {
          const [first, second] = halved(indexed);
          return [requestOf(to, topic, first, signal), requestOf(to, topic, second, signal)];
        },
      }),
    };
  }

  return {
    open: async () => {},

    async deliver(batch, signal) {
      return await clients.use(async (client, retire) => {
        const results: DeliveryResult[] = [];
        const topics = [...indicesBy(batch, ({ event }) => topicOf(event))];
        const sent = topics.map(async ([topic, indices]) => {
          const chunks = chunksOf(
            indices.map((index) => indexedMessage(batch, index, contentType)),
          );
          const requests = chunks.map((part) => requestOf(client, topic, part, signal));
          await sendInOrder(requests, results);
        });
        await Promise.all(sent);
        // kafkajs requests metadata of all its topics at once: one deleted topic would fail every later request of the
        // client.
        if (client.isSpent || results.some(isTransient)) retire();
        return results;
      }, signal);
    },

    async check() {
      const topic = options.topic.includes('{') ? undefined : options.topic;
      try {
        await clients.once((client) => client.probe(topic));
      } catch (error) {
        const where = topic === undefined ? '' : `, topic ${topic}`;
        throw kafkaFailure(error, `${options.brokers.join(', ')}${where}`);
      }
    },

    close: () => clients.close(),
  };
}

function indexedMessage(batch: readonly SinkEvent[], index: number, contentType: string): Indexed {
  return { index, message: messageOf(batch[index] as SinkEvent, contentType) };
}

function messageOf(
  { dedupeKey, event, json, messageId, trace }: SinkEvent,
  contentType: string,
): KafkaMessage {
  const user = event['userId'] ?? event['anonymousId'];
  return {
    key: typeof user === 'string' ? user : null,
    value: json,
    headers: {
      messageId,
      dedupeKey: idText(dedupeKey),
      source: event.receipt.source,
      type: event.type,
      'content-type': contentType,
      ...trace,
    },
  };
}

/** Splits a topic's events, in order, into parts of at most REQUEST_BYTES. A larger event is alone. */
function chunksOf(indexed: readonly Indexed[]): Indexed[][] {
  const chunks: Indexed[][] = [];
  let room = 0;
  for (const each of indexed) {
    const bytes = Buffer.byteLength(each.message.value);
    const last = chunks.at(-1);
    if (last === undefined || bytes > room) {
      chunks.push([each]);
      room = REQUEST_BYTES - bytes;
    } else {
      last.push(each);
      room -= bytes;
    }
  }
  return chunks;
}

/**
 * Removes the characters that Kafka does not allow in a name, and dots: Kafka rejects a topic whose name differs from
 * another's only by dots and underscores.
 */
function compileTopic(text: string): Template {
  const clean = (value: string): string =>
    value.slice(0, VALUE_LENGTH).replaceAll(/[^A-Za-z0-9_-]/g, '_');
  try {
    const topic = compileTemplate(text, clean);
    return (event) => topic(event).slice(0, TOPIC_LENGTH);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TrackbridgeError('CONFIG_INVALID', `topic: ${error.message}`, { cause: error });
  }
}
