import { describe, expect, it } from 'vitest';
import type { KafkaClient } from '../../../src/sinks/kafka/producer.js';
import { createKafkaSink } from '../../../src/sinks/kafka/sink.js';
import { sinkContext, sinkEvent } from '../events.js';

describe('kafka: topics that senders make up', () => {
  it('are forgotten with the client that has sent to too many, and nothing is lost', async () => {
    const clients: { sent: number; closed: boolean }[] = [];
    const connect = (): KafkaClient => {
      const client = { sent: 0, closed: false };
      clients.push(client);
      return {
        get isSpent() {
          return client.sent >= 3;
        },
        send: async () => void client.sent++,
        probe: async () => {},
        close: async () => {
          client.closed = true;
        },
        cut: () => {},
      };
    };
    const options = {
      brokers: ['127.0.0.1:1'],
      topic: '{event}',
      clientId: 'trackbridge',
      compression: 'none',
      createTopics: false,
      ssl: false,
    } as const;
    const sink = await createKafkaSink(options, sinkContext(), connect);
    for (let at = 0; at < 7; at++) {
      const event = sinkEvent(`m-${at}`, { event: `Event ${at}` });
      expect(await sink.deliver([event], new AbortController().signal)).toEqual([{ ok: true }]);
    }
    await sink.close();
    expect(clients.map(({ sent }) => sent)).toEqual([3, 3, 1]);
    expect(clients.every(({ closed }) => closed)).toBe(true);
  });
});
