import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  startReceiver,
} from '../support/receiver.js';
import { deliverSegment, trackText } from '../support/sender.js';

const SECRET = 'a-secret-of-the-test';
const ROUNDS = 5;
const SENDERS = 8;

const config = {
  server: { port: 0 },
  sources: {
    segment: {
      type: 'segment',
      path: '/segment',
      verify: { scheme: 'segment-signature', secrets: [SECRET] },
    },
  },
  sinks: { archive: { type: 'file', path: './events.ndjson', batch: { size: 20, wait: '5ms' } } },
};

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
});

/** Sends until the receiver is gone; each sender is one user, whose events are numbered. */
async function sendUntilGone(
  url: string,
  user: string,
  sent: Set<string>,
  acknowledged: Set<string>,
): Promise<void> {
  for (let number = 0; ; number++) {
    const id = `${user}:${String(number).padStart(6, '0')}`;
    sent.add(id);
    const body = trackText(id, { userId: user, properties: { number } });
    const response = await deliverSegment(`${url}/segment`, body, SECRET).catch(() => undefined);
    if (response === undefined) return;
    if (response.status === 200) acknowledged.add(id);
    await response.arrayBuffer().catch(() => undefined);
  }
}

describe('a receiver that is killed under load', () => {
  it('delivers every event it answered 200 after it is started again, invents none, keeps each user’s order', async () => {
    const directory = await makeDirectory();
    const sent = new Set<string>();
    const acknowledged = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const started = await startReceiver({ directory, config });
      receiver = started;
      const senders = Array.from({ length: SENDERS }, (_, sender) =>
        sendUntilGone(started.url, `r${round}-u${sender}`, sent, acknowledged),
      );
      const enough = acknowledged.size + 50 + round * 37;
      await eventually(
        () => acknowledged.size,
        (size) => size >= enough,
      );
      await started.end('SIGKILL');
      await Promise.all(senders);
    }

    receiver = await startReceiver({ directory, config });
    const file = join(directory, 'events.ndjson');
    const events = await eventually(
      () => readEvents(file),
      (all) => {
        const ids = new Set(all.map((event) => event['messageId']));
        return [...acknowledged].every((id) => ids.has(id));
      },
      20_000,
    );
    expect(acknowledged.size).toBeGreaterThan(ROUNDS * 50);
    expect(events.filter((event) => !sent.has(String(event['messageId'])))).toEqual([]);

    // At least once: after a kill some come again, but what is new of a user never comes before what is older.
    const seen = new Map<string, string>();
    for (const event of events) {
      const id = String(event['messageId']);
      const user = String(event['userId']);
      const last = seen.get(user) ?? '';
      if (id > last) seen.set(user, id);
    }
    for (const [user, last] of seen) {
      const numbers = events
        .filter((event) => event['userId'] === user)
        .map((event) => String(event['messageId']));
      const firsts = [...new Set(numbers)];
      expect(firsts).toEqual([...firsts].sort());
      expect(firsts.at(-1)).toBe(last);
    }
  }, 90_000);
});

describe('a receiver that is told to stop under load', () => {
  it('answers what it took, leaves with 0 within ten seconds, and has lost nothing', async () => {
    const directory = await makeDirectory();
    const sent = new Set<string>();
    const acknowledged = new Set<string>();
    const started = await startReceiver({ directory, config });
    receiver = started;
    const senders = Array.from({ length: SENDERS }, (_, sender) =>
      sendUntilGone(started.url, `u${sender}`, sent, acknowledged),
    );
    await eventually(
      () => acknowledged.size,
      (size) => size > 200,
    );
    const toldAt = performance.now();
    expect(await started.end('SIGTERM')).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(10_000);
    await Promise.all(senders);

    receiver = await startReceiver({ directory, config });
    const file = join(directory, 'events.ndjson');
    const events = await eventually(
      () => readEvents(file),
      (all) => new Set(all.map((event) => event['messageId'])).size >= acknowledged.size,
    );
    const ids = events.map((event) => String(event['messageId']));
    expect([...acknowledged].filter((id) => !ids.includes(id))).toEqual([]);
    // A drain settles what it delivers, so nothing comes twice.
    expect(ids.length).toBe(new Set(ids).size);
  }, 60_000);
});
