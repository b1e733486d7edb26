import type { SinkOptions } from '../config/config.js';
import type { SinkType } from './sink.js';

/** One entry for each type that has a schema. */
export type SinkTypes = {
  readonly [Type in keyof SinkOptions]: () => Promise<SinkType<Type>>;
};

/**
 * Every sink type by its name in the configuration; its options are in `schemas/sinks/<type>.schema.json`. Types are
 * loaded when configured: an unused driver costs neither memory nor start-up time (undici alone is 7 MB).
 */
export const sinkTypes: SinkTypes = {
  stdout: async () => (await import('./stdout/sink.js')).stdoutSink,
  file: async () => (await import('./file/sink.js')).fileSink,
  http: async () => (await import('./http/sink.js')).httpSink,
  segment: async () => (await import('./tracking-api/segment.js')).segmentSink,
  rudderstack: async () => (await import('./tracking-api/rudderstack.js')).rudderstackSink,
  postgres: async () => (await import('./postgres/sink.js')).postgresSink,
  kafka: async () => (await import('./kafka/sink.js')).kafkaSink,
  redis: async () => (await import('./redis/sink.js')).redisSink,
  s3: async () => (await import('./s3/sink.js')).s3Sink,
  rabbitmq: async () => (await import('./rabbitmq/sink.js')).rabbitmqSink,
  clickhouse: async () => (await import('./clickhouse/sink.js')).clickHouseSink,
  nats: async () => (await import('./nats/sink.js')).natsSink,
  mqtt: async () => (await import('./mqtt/sink.js')).mqttSink,
  module: async () => (await import('./module/sink.js')).moduleSink,
};
