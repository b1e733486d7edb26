import { connectAsync } from 'mqtt';
import { createMqttSink } from '../../src/sinks/mqtt/sink.js';
import { sinkContext } from '../../test/sinks/events.js';
import { startMosquitto } from '../../test/support/mosquitto.js';
import type { Sides, SinkBench } from './driver.js';

/**
 * Against a Mosquitto that sets no limit to what is unacknowledged: by default it asks for at most 20 messages, which the sink
 * keeps to and the bare driver does not. Both sides send the same messages, since properties are most of what one costs.
 */
async function qos1(): Promise<Sides> {
  const broker = await startMosquitto(['allow_anonymous true', 'max_inflight_messages 0']);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const topic = 'trackbridge-bench';
  const client = await connectAsync(url, { protocolVersion: 5 });
  const sink = await createMqttSink(
    { url, topic, qos: 1, ssl: { rejectUnauthorized: true } },
    sinkContext(),
  );
  const { signal } = new AbortController();
  return {
    ours: (batch) => sink.deliver(batch, signal),
    bare: (batch) =>
      Promise.all(
        batch.map(({ event, json, messageId }) => {
          const userProperties = { messageId, source: event.receipt.source, type: event.type };
          const properties = { contentType: 'application/json', userProperties };
          return client.publishAsync(topic, json, { qos: 1, properties });
        }),
      ),
    async teardown() {
      await sink.close();
      await client.endAsync();
      await broker.dispose();
    },
  };
}

export const benches: readonly SinkBench[] = [{ name: 'mqtt', setup: qos1 }];
