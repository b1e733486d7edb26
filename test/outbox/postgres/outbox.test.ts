import { describe } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { PostgresOutbox } from '../../../src/outbox/postgres/outbox.js';
import { requireServer } from '../../support/servers.js';
import { outboxContract } from '../contract/contract.js';
import { NOW } from '../samples.js';
import { postgresPlaces } from './places.js';

describe.runIf(await requireServer('PostgreSQL', 5432))('on a server of its own', () => {
  const places = postgresPlaces();

  outboxContract('postgres', {
    keeps: true,
    injectedClock: false,
    exactLimits: true,
    oneConsumer: true,
    newPlace: async () => places.newSchema(),
    create: (schema, { deadLetters, ...options }, { clock, ...deps }) =>
      new PostgresOutbox(
        {
          ...options,
          // The server's clock is far from that of the samples, by which its dead letters would be old.
          ...(deadLetters && { deadLetters: { ...deadLetters, keep: 1e13 } }),
          url: places.url(),
          schema,
          partitions: 32,
          lease: 15_000,
          durability: 'full',
        },
        {
          ...deps,
          // It waits for real, and its reports go by the test's clock.
          clock: { ...systemClock, monotonic: () => performance.now() + clock.now() - NOW },
        },
      ),
  });
});
