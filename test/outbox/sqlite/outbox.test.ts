import { join } from 'node:path';
import { SqliteOutbox } from '../../../src/outbox/sqlite/outbox.js';
import { outboxContract } from '../contract/contract.js';
import { temporaryPlaces } from '../temporary-places.js';

outboxContract('sqlite', {
  keeps: true,
  injectedClock: true,
  exactLimits: true,
  oneConsumer: true,
  newPlace: temporaryPlaces(),
  create: (place, options, deps) =>
    new SqliteOutbox({ ...options, path: join(place, 'outbox.db'), durability: 'full' }, deps),
});
