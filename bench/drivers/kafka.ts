import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { createKafkaSink } from '../../src/sinks/kafka/sink.js';
import { sinkContext } from '../../test/sinks/events.js';
import { startMockKafka } from '../../test/support/kafka.js';
import type { Sides, SinkBench } from './driver.js';

/** Against librdkafka's mock broker, which keeps everything in memory; without the relay of the tests. */
async function mock(): Promise<Sides> {
  const kafka = await startMockKafka();
  const brokers = [kafka.direct];
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const options = { brokers, clientId: 'bench', compression: 'none', ssl: false } as const;
  const sink = await createKafkaSink(
    { ...options, topic: 'ours', createTopics: true },
    sinkContext(),
  );
  const { signal } = new AbortController();
  return {
    ours: (batch) => sink.deliver(batch, signal),
    bare: (batch) =>
      producer.send({
        topic: 'bare',
        messages: batch.map(({ event, json, messageId }) => ({
          key: String(event['userId']),
          value: json,
          headers: { messageId, source: event.receipt.source },
        })),
      }),
    async teardown() {
      await sink.close();
      await producer.disconnect();
      await kafka.stop();
    },
  };
}

export const benches: readonly SinkBench[] = [{ name: 'kafka', setup: mock }];
