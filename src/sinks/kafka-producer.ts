import type { Kafka, Producer, SASLOptions } from 'kafkajs';
import type { Clock } from '../clock.js';
import { loadDriver } from './driver.js';
import { Gate } from './kafka-gate.js';
import { Sockets } from './kafka-sockets.js';
import { type TlsOptions, withLineBreaks } from './tls-options.js';

export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly compression: 'none' | 'gzip';
  readonly createTopics: boolean;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  readonly ssl: boolean | TlsOptions;
}

export interface KafkaMessage {
  /** What decides the partition, and so what keeps its order; null spreads. */
  readonly key: string | null;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/**
 * All that a sink needs of a Kafka client: connections that are made once and end for good. Rejects with what the driver
 * throws. kafkajs is behind this and nowhere else, so that another client is one file.
 */
export interface KafkaClient {
  /** Connects on its first call. Resolves when all in-sync replicas have the messages; one attempt. */
  send(topic: string, messages: readonly KafkaMessage[]): Promise<void>;
  /** Connects, and looks whether the topic is there where one is given. Creates nothing. */
  probe(topic: string | undefined): Promise<void>;
  /** Ends what is under way if it ends soon, then cuts the rest. */
  close(): Promise<void>;
  /** Cuts every connection at once; what is under way rejects. */
  cut(): void;
}

/** Milliseconds to wait for a connection, for an answer, and for what is under way when closing. */
const CONNECT = 5_000;
const REQUEST = 30_000;
const CLOSE = 500;

/**
 * Loads kafkajs and returns what makes a client of it. Throws CONFIG_INVALID where it is not installed. The driver's own
 * retries are off, but for the next one of several brokers when connecting, and it logs nothing.
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
      // The one that Kafka's own clients have: a key has the same partition whoever writes it.
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
    // kafkajs asks for all its topics at once: one that is missing would fail what goes to the others meanwhile.
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

  /** Disconnecting waits for the answers to what is under way, and a broker that hangs gives none. */
  async #ended(disconnected: Promise<void>): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([disconnected.catch(() => {}), this.#clock.sleep(CLOSE, waiting.signal)]);
    waiting.abort();
  }
}
