// Generated from the schemas by `npm run config-types`. Change those, and run it.

import type { JsonObject } from '../../core/json.js';

/** Inserts events into a ClickHouse table over its HTTP interface, one INSERT per batch, with a deduplication token computed from the rows. Requires ClickHouse 22.2 or newer. */
interface ClickhouseOptions {
  readonly url: string;
  readonly database: string;
  readonly table: string;
  readonly user: string;
  readonly password: string;
  readonly create: boolean;
}

/** Appends one JSON object per line to a file. Lines are flushed to disk before their events count as delivered. */
interface FileOptions {
  readonly path: string;
  readonly rotate?: { readonly size: number; readonly keep: number };
}

/** Sends events to a URL. Every request carries an `idempotency-key`. */
interface HttpOptions {
  readonly url: string;
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly headers: Readonly<Record<string, string>>;
  readonly sign?: { readonly scheme: 'segment-signature' | 'standard-webhooks'; readonly secret?: string; readonly secrets?: readonly string[]; readonly format: 'base64' | 'raw' };
  readonly body: 'event' | 'array' | 'batch';
  readonly compression: 'none' | 'gzip';
  readonly success: readonly (number | string)[];
  readonly retryOn: readonly (number | string)[];
  readonly dropOn: readonly (number | string)[];
  readonly allowPrivateAddresses: boolean;
}

/** Produces one Kafka message per event, acknowledged by all in-sync replicas. */
interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly createTopics: boolean;
  readonly compression: 'none' | 'gzip';
  readonly clientId: string;
  readonly sasl?: { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string };
  readonly ssl: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string; readonly servername?: string; readonly rejectUnauthorized: boolean };
}

/** Passes events to an ES module of your own. */
interface ModuleOptions {
  readonly path: string;
  readonly options: JsonObject;
}

/** Publishes one MQTT 5 message per event. */
interface MqttOptions {
  readonly url: string;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string;
  readonly ssl: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string; readonly servername?: string; readonly rejectUnauthorized: boolean };
}

/** Publishes events to NATS, by default to a JetStream stream, which deduplicates them by the header `Nats-Msg-Id`. */
interface NatsOptions {
  readonly servers: string | readonly string[];
  readonly subject: string;
  readonly jetstream: boolean;
  readonly stream?: string;
  readonly createStream: boolean;
  readonly dedupeWindow: number;
  readonly credentials?: { readonly user?: string; readonly pass?: string; readonly token?: string; readonly creds?: string };
  readonly ssl?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Writes events to PostgreSQL, one statement per batch, each event once. Requires PostgreSQL 12 or newer. */
interface PostgresOptions {
  readonly url: string;
  readonly table: string;
  readonly layout: 'single' | 'warehouse';
  readonly schema: string;
  readonly create: boolean;
  readonly maxTables: number;
  readonly maxColumns: number;
  readonly integers: 'numeric' | 'bigint';
  readonly overflow: 'other_values' | 'rudder_discards';
  readonly underscoreDivideNumbers: boolean;
  readonly underscoreLeadingDigit: boolean;
  readonly allowUsersContextTraits: boolean;
  readonly skipUsersTable: boolean;
  readonly skipTracksTable: boolean;
  readonly jsonPaths: readonly string[];
  readonly sourceInfo?: { readonly sourceId?: string; readonly sourceType?: string; readonly destinationId?: string; readonly destinationType?: string };
  readonly ssl?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Publishes each event as a persistent message to RabbitMQ (AMQP 0-9-1). An event counts as delivered when RabbitMQ has confirmed it. */
interface RabbitmqOptions {
  readonly url: string;
  readonly exchange: string;
  readonly routingKey?: string;
  readonly queue?: string;
  readonly declare: boolean;
  readonly queueType: 'classic' | 'quorum';
  readonly mandatory: boolean;
  readonly maxMessageSize: number;
  readonly heartbeat: number;
  readonly ssl?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly servername?: string };
}

/** Appends events to Redis Streams, one transaction per stream and batch. Requires Redis 5 or newer. */
interface RedisOptions {
  readonly url: string;
  readonly stream: string;
  readonly maxLength?: number;
  readonly deduplicate: boolean;
  readonly dedupeWindow: number;
  readonly ssl?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly servername?: string };
}

/** Sends events to a RudderStack data plane (`/v1/batch`), up to 4 MB per request. */
interface RudderstackOptions {
  readonly writeKey: string;
  readonly endpoint: string;
  readonly gzip: boolean;
  readonly loopGuard: boolean;
  readonly suppression?: { readonly token: string; readonly endpoint: string; readonly type: 'suppress' | 'suppress_with_delete'; readonly sourceIds: readonly string[]; readonly destinationIds: readonly string[] };
}

/** Stores events as gzip NDJSON objects in a bucket of Amazon S3 or of any compatible store. Events count as delivered once their object is stored. */
interface S3Options {
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly close: { readonly size: number; readonly age: number };
}

/** Sends events to Segment's tracking API (`/v1/batch`), within its limits: 32 kB per event, 500 kB and 2,500 events per request. */
interface SegmentOptions {
  readonly writeKey: string;
  readonly endpoint: string;
  readonly gzip: boolean;
  readonly loopGuard: boolean;
  readonly oauth?: { readonly clientId: string; readonly keyId: string; readonly privateKey: string; readonly tokenUrl?: string; readonly scope: string };
}

/** Writes one line per event to standard output. */
interface StdoutOptions {
  readonly format: 'pretty' | 'json';
}

/** The options of each type of sink. */
export interface SinkOptions {
  readonly clickhouse: ClickhouseOptions;
  readonly file: FileOptions;
  readonly http: HttpOptions;
  readonly kafka: KafkaOptions;
  readonly module: ModuleOptions;
  readonly mqtt: MqttOptions;
  readonly nats: NatsOptions;
  readonly postgres: PostgresOptions;
  readonly rabbitmq: RabbitmqOptions;
  readonly redis: RedisOptions;
  readonly rudderstack: RudderstackOptions;
  readonly s3: S3Options;
  readonly segment: SegmentOptions;
  readonly stdout: StdoutOptions;
}
