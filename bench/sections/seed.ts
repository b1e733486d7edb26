import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.js';
import type { NewEvent } from '../../src/outbox/intake.js';
import { SqliteOutbox } from '../../src/outbox/sqlite/outbox.js';
import { renderEvent } from '../load/event.js';

const DAY = 86_400_000;
const AT_ONCE = 2_000;
const USERS = 5_000;

/**
 * Fills a store with pending events of one sink, which is paused so that they stay. Returns the bytes that an event takes on
 * disk.
 */
export async function seedPending(
  directory: string,
  sink: string,
  events: number,
  progress: (line: string) => void,
): Promise<number> {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const outbox = new SqliteOutbox(
    {
      path: join(directory, 'outbox.db'),
      durability: 'full',
      dedupeWindow: DAY,
      maxPending: events * 2 + AT_ONCE,
      retention: { age: 7 * DAY },
    },
    { clock: systemClock, log: silent },
  );
  await outbox.open([{ name: sink }]);
  await outbox.setPaused(sink, true);
  for (let seeded = 0; seeded < events; seeded += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, (_, index) => pendingEvent(seeded + index));
    await outbox.append({ events: some, quarantined: [] });
    if (seeded > 0 && seeded % 500_000 === 0) progress(`${seeded} events are in the store`);
  }
  await outbox.close();
  return events === 0 ? 0 : sizeOf(directory) / events;
}

function pendingEvent(index: number): NewEvent {
  const user = index % USERS;
  return {
    scope: 'segment',
    messageId: crypto.randomUUID(),
    authenticated: true,
    orderKey: `u:user-${user}`,
    receivedAt: Date.now(),
    json: JSON.stringify(renderEvent(user, 1_200)),
  };
}

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, file) => sum + statSync(join(directory, file)).size,
    0,
  );
}
