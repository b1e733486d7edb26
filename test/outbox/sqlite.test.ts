import { join } from 'node:path';
import { SqliteOutbox } from '../../src/outbox/sqlite.js';
import { outboxContract } from './contract.js';
import { temporaryPlaces } from './temporary-places.js';

const silent = { warn: () => undefined, error: () => undefined };

outboxContract('sqlite', {
  keeps: true,
  newPlace: temporaryPlaces(),
  create: (place, options, clock) =>
    new SqliteOutbox(
      { ...options, path: join(place, 'outbox.db'), durability: 'full' },
      { clock, log: silent },
    ),
});
