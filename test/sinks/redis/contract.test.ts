import { describe } from 'vitest';
import { startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { type Bench, sinkContract } from '../contract.js';
import { redisPlayground, redisSink } from './setup.js';

const there = await requireServer('redis', 6379);

describe.skipIf(!there).each([false, true])('with deduplicate: %s', (deduplicate) => {
  sinkContract('redis', async (): Promise<Bench> => {
    const place = redisPlayground();
    const relay = await startRelay(6379);
    const stream = `${place.prefix}:events`;
    const at = (port: number, userinfo = ''): string => `redis://${userinfo}127.0.0.1:${port}`;
    return {
      sink: redisSink({ url: at(relay.port), stream, deduplicate }),
      // Nothing listens on port 1 of the loopback.
      broken: redisSink({ url: at(1, 'sesame-user:hunter2-password@'), stream, deduplicate }),
      received: async () =>
        (await place.entries(stream)).map(({ json }) => JSON.parse(String(json))),
      stall: relay.stall,
      fail: relay.cut,
      mend: relay.mend,
      secrets: ['hunter2-password', 'sesame-user'],
      dispose: async () => {
        await relay.close();
        await place.dispose();
      },
    };
  });
});
