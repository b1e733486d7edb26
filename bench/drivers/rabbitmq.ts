import amqp, { type ConfirmChannel } from 'amqplib';
import { systemClock } from '../../src/core/clock.js';
import { createRabbitmqSink } from '../../src/sinks/rabbitmq/sink.js';
import type { Sides, SinkBench } from './driver.js';

const URL = 'amqp://guest:guest@127.0.0.1:5672';

async function queue(): Promise<Sides> {
  const own = `trackbridge-bench-${process.pid}`;
  const connection = await amqp.connect(URL, { noDelay: true });
  const control = await connection.createChannel();
  const options = {
    url: URL,
    exchange: '',
    queue: own,
    declare: true,
    queueType: 'classic',
    mandatory: true,
    maxMessageSize: 16_000_000,
    heartbeat: 10_000,
  } as const;
  const sink = createRabbitmqSink(options, { clock: systemClock, name: 'bench' }, amqp);
  await sink.open();
  // Only a queue that is declared can be purged.
  await control.assertQueue(own, { durable: true, arguments: { 'x-queue-type': 'classic' } });
  const emptied = setInterval(() => void control.purgeQueue(own), 200);
  const { signal } = new AbortController();
  const idle: ConfirmChannel[] = [];
  return {
    ours: (batch) => sink.deliver(batch, signal),
    async bare(batch) {
      const channel = idle.pop() ?? (await connection.createConfirmChannel());
      for (const { json, messageId } of batch) {
        channel.sendToQueue(own, Buffer.from(json), {
          persistent: true,
          mandatory: true,
          messageId,
        });
      }
      await channel.waitForConfirms();
      idle.push(channel);
    },
    async teardown() {
      clearInterval(emptied);
      await sink.close();
      await control.deleteQueue(own);
      await connection.close();
    },
  };
}

export const benches: readonly SinkBench[] = [{ name: 'rabbitmq', setup: queue }];
