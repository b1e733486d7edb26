import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { createRedisSink, type RedisSinkOptions } from '../../../src/sinks/redis/sink.js';
import type { Sink } from '../../../src/sinks/sink.js';

/** The options' defaults, as the schema fills them in. */
const defaults = { stream: 'events', deduplicate: false, dedupeWindow: 86_400_000 } as const;

export const redisSink = (options: Partial<RedisSinkOptions> & { url: string }): Sink =>
  createRedisSink({ ...defaults, ...options }, Redis);

/** A part of a server's keys that nobody else uses, and a look into it. */
export interface RedisPlayground {
  readonly client: Redis;
  /** What names begin with. */
  readonly prefix: string;
  /** The fields of a stream's entries, oldest first. */
  entries(stream: string): Promise<readonly Readonly<Record<string, string>>[]>;
  /** Removes every key with the prefix, and disconnects. */
  dispose(): Promise<void>;
}

export function redisPlayground(port = 6379): RedisPlayground {
  const client = new Redis({ host: '127.0.0.1', port });
  const prefix = `trackbridge-test-${randomUUID()}`;
  return {
    client,
    prefix,
    async entries(stream) {
      const entries = await client.xrange(stream, '-', '+');
      return entries.map(([, fields]) => {
        const pairs = fields.flatMap((name, index) =>
          index % 2 === 0 ? [[name, String(fields[index + 1])] as const] : [],
        );
        return Object.fromEntries(pairs);
      });
    },
    async dispose() {
      const keys = await client.keys(`*${prefix}*`);
      if (keys.length > 0) await client.del(keys);
      client.disconnect();
    },
  };
}
