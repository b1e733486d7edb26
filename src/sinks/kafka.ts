import { TrackbridgeError } from '../errors.js';
import { kafkaFailure } from './kafka-failure.js';
import {
  type KafkaClient,
  type KafkaConnection,
  type KafkaMessage,
  loadKafka,
} from './kafka-producer.js';
import { SharedConnection, stopped } from './shared-connection.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkContext,
  type SinkEvent,
  type SinkType,
} from './sink.js';
import { compileTemplate, type Template } from './template.js';

export interface KafkaOptions extends KafkaConnection {
  readonly topic: string;
}

export const kafkaSink: SinkType = {
  type: 'kafka',
  // The shape is what schemas/sinks/kafka.schema.json let through.
  create: (options, context) => createKafkaSink(options as unknown as KafkaOptions, context),
};

/** Kafka's limit on the name of a topic, and ours on each value in it. */
const TOPIC_LENGTH = 249;
const VALUE_LENGTH = 100;

/** Bytes of values in a request: below the megabyte that a topic takes by default (max.message.bytes). */
const REQUEST_BYTES = 900_000;

type Failure = Extract<DeliveryResult, { readonly ok: false }>;
type Place = { readonly at: number; readonly message: KafkaMessage };

/**
 * Produces events to Kafka, acknowledged by all in-sync replicas; the user is the key, so each user's events stay in
 * order in one partition. Throws CONFIG_INVALID for a topic that can be none, or where kafkajs is missing.
 */
export async function createKafkaSink(
  options: KafkaOptions,
  context: SinkContext,
  connect?: () => KafkaClient,
): Promise<Sink> {
  const topicOf = compileTopic(options.topic);
  const contentType =
    context.format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json';
  const clients = new SharedConnection(connect ?? (await loadKafka(options, context)));

  /** Sends to one topic in order. Results are by place in the batch; after a failure that may pass nothing is sent. */
  async function produce(
    to: KafkaClient,
    topic: string,
    places: readonly Place[],
    results: DeliveryResult[],
    signal: AbortSignal,
  ): Promise<void> {
    const queue = chunksOf(places);
    for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) {
      if (signal.aborted) throw stopped();
      const failure = await attempt(to, topic, chunk);
      if (failure !== undefined && !failure.retryable && chunk.length > 1) {
        // One of them is the cause, and the others must arrive.
        const middle = Math.ceil(chunk.length / 2);
        queue.unshift(chunk.slice(0, middle), chunk.slice(middle));
        continue;
      }
      for (const { at } of chunk) results[at] = failure ?? DELIVERED;
      if (failure?.retryable) {
        for (const { at } of queue.flat()) results[at] = failure;
        return;
      }
    }
  }

  return {
    open: async () => {},

    async deliver(batch, signal) {
      const results: DeliveryResult[] = [];
      return await clients.use(
        async (client) => {
          const topics = [...byTopic(batch, topicOf, contentType)];
          await Promise.all(
            topics.map(([topic, places]) => produce(client, topic, places, results, signal)),
          );
          return results;
        },
        signal,
        // kafkajs asks for all its topics at once: one that is gone would fail every later request of the client.
        () => results.every((result) => result.ok || !result.retryable),
      );
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

async function attempt(
  to: KafkaClient,
  topic: string,
  chunk: readonly Place[],
): Promise<Failure | undefined> {
  try {
    const messages = chunk.map(({ message }) => message);
    await to.send(topic, messages);
    return undefined;
  } catch (error) {
    const { message, retryable } = kafkaFailure(error, `topic ${topic}`);
    return { ok: false, retryable, error: message };
  }
}

function byTopic(
  batch: readonly SinkEvent[],
  topicOf: Template,
  contentType: string,
): ReadonlyMap<string, readonly Place[]> {
  const topics = new Map<string, Place[]>();
  batch.forEach((each, at) => {
    const topic = topicOf(each.event);
    const place = { at, message: messageOf(each, contentType) };
    const places = topics.get(topic);
    if (places === undefined) topics.set(topic, [place]);
    else places.push(place);
  });
  return topics;
}

function messageOf({ event, json, messageId }: SinkEvent, contentType: string): KafkaMessage {
  const user = event['userId'] ?? event['anonymousId'];
  return {
    key: typeof user === 'string' ? user : null,
    value: json,
    headers: {
      messageId,
      source: event.receipt.source,
      type: event.type,
      'content-type': contentType,
    },
  };
}

/** A topic's events in order, in parts of at most REQUEST_BYTES; one larger than that is alone. */
function chunksOf(places: readonly Place[]): Place[][] {
  const chunks: Place[][] = [];
  let room = 0;
  for (const place of places) {
    const bytes = Buffer.byteLength(place.message.value);
    const last = chunks.at(-1);
    if (last === undefined || bytes > room) {
      chunks.push([place]);
      room = REQUEST_BYTES - bytes;
    } else {
      last.push(place);
      room -= bytes;
    }
  }
  return chunks;
}

/**
 * Of a value only what Kafka allows in a name is left; dots are not, since Kafka takes no topic whose name differs from
 * another's by dots and underscores only.
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
