import type { SinkType } from './sink.js';

/**
 * Every sink type by its name in the configuration; its options are in `schemas/sinks/<type>.schema.json`. Loaded when
 * configured: a driver nobody uses costs neither memory nor start-up time (undici alone is 7 MB).
 */
export const sinkTypes: ReadonlyMap<string, () => Promise<SinkType>> = new Map([
  ['stdout', async () => (await import('./stdout.js')).stdoutSink],
  ['file', async () => (await import('./file.js')).fileSink],
  ['http', async () => (await import('./http.js')).httpSink],
  ['segment', async () => (await import('./segment.js')).segmentSink],
  ['rudderstack', async () => (await import('./rudderstack.js')).rudderstackSink],
  ['postgres', async () => (await import('./postgres.js')).postgresSink],
  ['kafka', async () => (await import('./kafka.js')).kafkaSink],
  ['redis', async () => (await import('./redis.js')).redisSink],
  ['s3', async () => (await import('./s3.js')).s3Sink],
  ['rabbitmq', async () => (await import('./rabbitmq.js')).rabbitmqSink],
  ['clickhouse', async () => (await import('./clickhouse.js')).clickHouseSink],
  ['nats', async () => (await import('./nats.js')).natsSink],
  ['mqtt', async () => (await import('./mqtt.js')).mqttSink],
  ['module', async () => (await import('./module.js')).moduleSink],
]);
