import { describe, expect, it } from 'vitest';
import { refuseGone, refuseOther } from '../../../../src/outbox/sqlite/health/loss.js';

const KNOWN = { id: 'a', tail: 3 };
const PROGRESS = { store: 'a', tail: 3, quarantined: 0 };

// A start refuses such a store as long as its mark is there: to restart alone changes nothing.
describe('what a running receiver says of a store that is not its own any more', () => {
  it('is how the next start can go on without what is missing', () => {
    expect(() => refuseOther('/x/outbox.db', KNOWN, { ...PROGRESS, tail: 1 })).toThrow(
      /^outbox\.db lacks 2 events .*stop the receiver, remove outbox\.db-mark and start it again to continue without them$/,
    );
    expect(() => refuseOther('/x/outbox.db', KNOWN, { ...PROGRESS, store: 'b' })).toThrow(
      /^outbox\.db is not the store .*stop the receiver, remove outbox\.db-mark and start it again to continue with this one$/,
    );
    expect(() => refuseGone('/x/outbox.db')).toThrow(
      /^outbox\.db is missing; .*stop the receiver, move outbox\.db-\* away and start it again to start empty$/,
    );
  });

  it('is nothing where it is the same store', () => {
    expect(() => refuseOther('/x/outbox.db', KNOWN, PROGRESS)).not.toThrow();
  });
});
