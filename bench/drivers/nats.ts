import { randomUUID } from 'node:crypto';
import * as jetstream from '@nats-io/jetstream';
import * as transport from '@nats-io/transport-node';
import { createNatsSink } from '../../src/sinks/nats/sink.js';
import type { Sides, SinkBench } from './driver.js';

const servers = 'nats://127.0.0.1:4222';

/** Beside publishes that are awaited together. */
async function stored(): Promise<Sides> {
  const stream = `trackbridge-bench-${randomUUID()}`;
  const connection = await transport.connect({ servers });
  const manager = await jetstream.jetstreamManager(connection);
  const limits = { max_msgs: 50_000, duplicate_window: 60e9 };
  await manager.streams.add({ name: stream, subjects: [`${stream}.>`], ...limits });
  const client = jetstream.jetstream(connection);
  const options = { createStream: false, dedupeWindow: 60_000, jetstream: true, servers, stream };
  const subject = `${stream}.{type}`;
  const sink = createNatsSink({ ...options, subject }, { transport, jetstream }, {});
  return {
    async ours(batch) {
      const results = await sink.deliver(batch, new AbortController().signal);
      if (!results.every(({ ok }) => ok)) throw new Error('not all were taken');
    },
    bare: (batch) =>
      Promise.all(
        batch.map(({ event, json, messageId }) =>
          client.publish(`${stream}.${event.type}`, json, { msgID: messageId }),
        ),
      ),
    async teardown() {
      await sink.close();
      await manager.streams.delete(stream);
      await connection.close();
    },
  };
}

/** Beside publishes and a flush. */
async function core(): Promise<Sides> {
  const subject = `trackbridge-bench-${randomUUID()}`;
  const connection = await transport.connect({ servers });
  const options = { createStream: false, dedupeWindow: 60_000, jetstream: false, servers };
  const template = `${subject}.{type}`;
  const sink = createNatsSink({ ...options, subject: template }, { transport, jetstream }, {});
  return {
    ours: (batch) => sink.deliver(batch, new AbortController().signal),
    async bare(batch) {
      for (const { event, json, messageId } of batch) {
        const headers = transport.headers();
        headers.set('Nats-Msg-Id', messageId);
        connection.publish(`${subject}.${event.type}`, json, { headers });
      }
      await connection.flush();
    },
    async teardown() {
      await sink.close();
      await connection.close();
    },
  };
}

export const benches: readonly SinkBench[] = [
  { name: 'nats', setup: stored },
  { name: 'nats, core', setup: core },
];
