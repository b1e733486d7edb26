import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { createRedisSink } from '../../src/sinks/redis/sink.js';
import type { SinkBench } from './driver.js';

/** Beside a pipeline of XADD. */
const redis: SinkBench = {
  name: 'redis',
  async setup() {
    const client = new Redis({ host: '127.0.0.1' });
    const stream = `trackbridge-bench-${randomUUID()}`;
    const options = { deduplicate: false, dedupeWindow: 0, maxLength: 100_000 };
    const sink = createRedisSink({ ...options, url: 'redis://127.0.0.1', stream }, Redis);
    return {
      async ours(batch) {
        const results = await sink.deliver(batch, new AbortController().signal);
        if (!results.every(({ ok }) => ok)) throw new Error('not all were taken');
      },
      async bare(batch) {
        const pipeline = client.pipeline();
        for (const { event, json, messageId } of batch) {
          const { receipt, type } = event;
          const from = ['messageId', messageId, 'type', type, 'source', receipt.source];
          pipeline.xadd(`${stream}:bare`, 'MAXLEN', '~', 100_000, '*', ...from, 'json', json);
        }
        await pipeline.exec();
      },
      async teardown() {
        await sink.close();
        await client.del(stream, `${stream}:bare`);
        client.disconnect();
      },
    };
  },
};

export const benches: readonly SinkBench[] = [redis];
