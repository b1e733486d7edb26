import { describe } from 'vitest';
import { startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { type Bench, sinkContract } from '../contract.js';
import { oddEvents } from '../events.js';
import { natsPlayground, natsSink } from './setup.js';

const there = await requireServer('nats', 4222);

describe.skipIf(!there).each([true, false])('with jetstream: %s', (jetstream) => {
  sinkContract('nats', async (): Promise<Bench> => {
    const place = await natsPlayground();
    const relay = await startRelay(4222);
    await place.manager.streams.add({ name: place.stream, subjects: [`${place.stream}.*`] });
    const options = { subject: `${place.stream}.{type}`, jetstream };
    const at = (port: number): string => `nats://127.0.0.1:${port}`;
    const credentials = { user: 'sesame-user', pass: 'hunter2-password' };
    return {
      sink: natsSink({ ...options, servers: at(relay.port) }),
      // Nothing listens on port 1 of the loopback.
      broken: natsSink({ ...options, servers: at(1), credentials }),
      received: async () => (await place.stored()).map(({ json }) => JSON.parse(json)),
      // A server takes a megabyte at most, unless it is told otherwise.
      odd: oddEvents().filter(({ json }) => json.length < 1_000_000),
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
