import type { Kafka, Producer, SASLOptions } from 'kafkajs';
import type { SinkOptions } from '../../config/config.js';
import { type Clock, withinTime } from '../../core/clock.js';
import { loadDriver } from '../../core/driver.js';
import { withLineBreaks } from '../kit/tls-options.js';
import { Gate } from './gate.js';
import { Sockets } from './sockets.js';

export type KafkaConnection = Omit<SinkOptions['kafka'], 'topic'>;

export interface KafkaMessage {
  /** Determines the partition and thereby the order; null spreads messages over all partitions. */
  readonly key: string | null;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/**
 * The Kafka client that a sink needs: its connections are made once and end for good. Rejects with the driver's errors.
 * Only this file uses kafkajs, so that another client can replace it in one file.
 */
export interface KafkaClient {
  /** Connects on its first call. Makes one attempt and resolves when all in-sync replicas have the messages. */
  send(topic: string, messages: readonly KafkaMessage[]): Promise<void>;
  /** Connects, and checks that the topic exists if one is given. Creates nothing. */
  probe(topic: string | undefined): Promise<void>;
  /** Whether it has sent to so many topics that a new client should replace it. */
  readonly isSpent: boolean;
  /** Waits briefly for requests under way, then closes every connection. */
  close(): Promise<void>;
  /** Closes every connection at once; requests under way reject. */
  cut(): void;
}

/**
 * The most topics that one client sends to. kafkajs never forgets a topic and requests metadata of all of them with
 * each new one, and senders can invent names.
 */
const MOST_TOPICS = 1_000;

/** Milliseconds to wait for a connection, for an answer, and for requests under way when closing. */
const CONNECT = 5_000;
const REQUEST = 30_000;
const CLOSE = 500;

/**
 * Loads kafkajs and returns a function that creates a client. Throws CONFIG_INVALID if it is not installed. The
 * driver's own retries are off, except for trying the next of several brokers when connecting, and it logs nothing.
 */
export async function loadKafka(
  connection: KafkaConnection,
  { name, clock }: { readonly name: string; readonly clock: Clock },
): Promise<() => KafkaClient> {
  const driver = await loadDriver('kafkajs@2', () => import('kafkajs'), name);
  const { CompressionTypes, Partitioners, logLevel } = driver;
  const { brokers, clientId, compression, createTopics, sasl, ssl } = connection;
  return () => {
    const sockets = new Sockets();
    const kafka = new driver.Kafka({
      brokers: [...brokers],
      clientId,
      ssl: typeof ssl === 'boolean' ? ssl : withLineBreaks(ssl),
      ...(sasl !== undefined && { sasl: sasl as SASLOptions }),
      connectionTimeout: CONNECT,
      requestTimeout: REQUEST,
      retry: { retries: brokers.length - 1, initialRetryTime: 50, maxRetryTime: 100 },
      socketFactory: (args) => sockets.open(args),
      logLevel: logLevel.NOTHING,
      logCreator: () => () => {},
    });
    const producer = kafka.producer({
      allowAutoTopicCreation: createTopics,
      // The default partitioner of Kafka's own clients: a key maps to the same partition whichever client writes it.
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: 0 },
    });
    const type = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
    return new Client(kafka, producer, type, sockets, clock);
  };
}

class Client implements KafkaClient {
  readonly #kafka: Kafka;
  readonly #producer: Producer;
  readonly #compression: number;
  readonly #sockets: Sockets;
  readonly #clock: Clock;
  readonly #gate = new Gate();
  readonly #known = new Set<string>();
  #connected: Promise<void> | undefined;

  constructor(
    kafka: Kafka,
    producer: Producer,
    compression: number,
    sockets: Sockets,
    clock: Clock,
  ) {
    this.#kafka = kafka;
    this.#producer = producer;
    this.#compression = compression;
    this.#sockets = sockets;
    this.#clock = clock;
  }

  get isSpent(): boolean {
    return this.#known.size >= MOST_TOPICS;
  }

  async send(topic: string, messages: readonly KafkaMessage[]): Promise<void> {
    this.#connected ??= this.#producer.connect();
    await this.#connected;
    const produce = async (): Promise<void> => {
      await this.#producer.send({
        topic,
        messages: messages as KafkaMessage[],
        acks: -1,
        compression: this.#compression,
      });
    };
    if (this.#known.has(topic)) return await this.#gate.together(produce);
    // kafkajs requests metadata of all its topics at once. A missing topic would fail concurrent requests to the
    // others.
    await this.#gate.alone(produce);
    this.#known.add(topic);
  }

  async probe(topic: string | undefined): Promise<void> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      if (topic !== undefined) await admin.fetchTopicMetadata({ topics: [topic] });
    } finally {
      await this.#ended(admin.disconnect());
    }
  }

  async close(): Promise<void> {
    await this.#ended(this.#producer.disconnect());
    this.cut();
  }

  cut(): void {
    this.#sockets.cut();
  }

  /** Disconnecting waits for the answers to requests under way, and a broker that hangs sends none. */
  async #ended(disconnected: Promise<void>): Promise<void> {
    const ended = disconnected.catch(() => {});
    await withinTime(ended, CLOSE, this.#clock, () => undefined);
  }
}
