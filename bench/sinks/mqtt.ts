import { connectAsync } from 'mqtt';
import { createMqttSink } from '../../src/sinks/mqtt.js';
import { sinkContext } from '../../test/sinks/events.js';
import type { Sides, SinkBench } from './bench.js';

async function qos1(): Promise<Sides> {
  const url = 'mqtt://127.0.0.1:1883';
  const topic = `trackbridge-bench/${process.pid}`;
  const client = await connectAsync(url, { protocolVersion: 5 });
  const sink = await createMqttSink({ url, topic, qos: 1, ssl: {} }, sinkContext());
  const { signal } = new AbortController();
  return {
    ours: (batch) => sink.deliver(batch, signal),
    bare: (batch) =>
      Promise.all(batch.map(({ json }) => client.publishAsync(topic, json, { qos: 1 }))),
    async teardown() {
      await sink.close();
      await client.endAsync();
    },
  };
}

export const benches: readonly SinkBench[] = [{ name: 'mqtt', setup: qos1 }];
