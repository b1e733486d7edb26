import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  startReceiver,
} from '../support/receiver.js';
import { trackText } from '../support/sender.js';

const SENDERS = 8;

/**
 * Loaded into the program before its own code: fails on the side, again and again, where nobody can catch it; once there is a
 * file `armed`, or at SIGTERM if the environment says so.
 */
const FAULT = `
import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const failures = {
  throws: () => { throw new Error('thrown by a timer', { cause: new Error('the far reason') }); },
  rejects: () => { void Promise.reject(new Error('rejected by a timer', { cause: new Error('the far reason') })); },
  'throws nothing': () => { throw undefined; },
  'throws a payload': () => { throw { email: 'someone@example.com' }; },
};
const { HOW, LATE } = process.env;
const fail = () => {
  for (let delay = 0; delay < 50; delay += 5) setTimeout(failures[HOW], delay);
};
if (isMainThread && LATE) process.once('SIGTERM', fail);
else if (isMainThread) {
  const looking = setInterval(() => {
    if (!existsSync('armed')) return;
    clearInterval(looking);
    fail();
  }, 5).unref();
}
`;

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const start = async (directory: string, fault: Record<string, string> = {}): Promise<Receiver> => {
  await writeFile(join(directory, 'fault.mjs'), FAULT);
  const env = { NODE_OPTIONS: `--import ${join(directory, 'fault.mjs')}`, ...fault };
  receiver = await startReceiver({
    directory,
    config: {
      server: { port: 0 },
      sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
      sinks: {
        archive: { type: 'file', path: './events.ndjson', batch: { size: 20, wait: '5ms' } },
      },
    },
    ...(fault['HOW'] !== undefined && { env }),
  });
  return receiver;
};

/** Sends until the receiver is gone; resolves to the ids that were answered 200. */
async function sendUntilGone(
  url: string,
  userId: string,
  onAcknowledged: (count: number) => void = () => undefined,
): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let number = 0; ; number++) {
    const id = `${userId}:${number}`;
    const body = trackText(id, { userId });
    const response = await fetch(`${url}/in`, { method: 'POST', body }).catch(() => undefined);
    if (response === undefined) return acknowledged;
    if (response.status === 200) onAcknowledged(acknowledged.push(id));
    else expect(response.status).toBe(503);
    await response.arrayBuffer().catch(() => undefined);
  }
}

describe('an error that nobody catches', () => {
  it.each([
    ['thrown by a timer', 'throws', /thrown by a timer.*the far reason/],
    ['in a promise nobody waits for', 'rejects', /rejected by a timer.*the far reason/],
    ['that is undefined', 'throws nothing', /a thrown value that is not an error: undefined/],
    [
      'that is an object',
      'throws a payload',
      /a thrown value that is not an error: \[object Object\]/,
    ],
  ])(
    '%s drains under load, is logged once with its cause, ends with 1, and loses nothing',
    async (_, how, logged) => {
      const directory = await makeDirectory();
      const { child, stderr, url } = await start(directory, { HOW: how });
      const exit = once(child, 'exit');
      const armAt = (count: number): void => {
        if (count === 30) void writeFile(join(directory, 'armed'), '');
      };
      const senders = Array.from({ length: SENDERS }, (_, sender) =>
        sendUntilGone(url, `u${sender}`, sender === 0 ? armAt : undefined),
      );
      const [code] = await exit;
      const acknowledged = (await Promise.all(senders)).flat();
      expect(code).toBe(1);
      const lines = stderr()
        .split('\n')
        .filter((line) => line.startsWith('{'));
      const uncaught = lines.filter((line) => line.includes('uncaught error; shutting down'));
      expect(uncaught).toEqual([expect.stringMatching(logged)]);
      expect(stderr()).not.toContain('someone@example.com');
      expect(lines.at(-1)).toContain('"msg":"stopped"');

      await start(directory);
      expect(acknowledged.length).toBeGreaterThan(30);
      await eventually(
        () => readEvents(join(directory, 'events.ndjson')),
        (events) => {
          const ids = new Set(events.map(({ messageId }) => messageId));
          return acknowledged.every((id) => ids.has(id));
        },
      );
    },
    60_000,
  );

  it('does not cut a drain short that is under way, which then ends with 1', async () => {
    const directory = await makeDirectory();
    const { end, stderr } = await start(directory, { HOW: 'throws', LATE: 'yes' });
    expect(await end('SIGTERM')).toBe(1);
    expect(stderr()).toMatch(/thrown by a timer.*the far reason/);
    expect(stderr().trim().split('\n').at(-1)).toContain('"msg":"stopped"');
  });

  it('ends the process also where nobody reads standard error', async () => {
    const directory = await makeDirectory();
    const { child, url } = await start(directory, { HOW: 'throws' });
    child.stderr?.pause();
    const exit = once(child, 'exit');
    // Each is a line in the log: several times what a pipe and its reader's buffer take.
    const refused = Array.from({ length: 3_000 }, () => '{');
    while (refused.length > 0) {
      const bodies = refused.splice(0, 50);
      const answers = bodies.map((body) => fetch(`${url}/in`, { method: 'POST', body }));
      for (const answer of await Promise.all(answers)) await answer.arrayBuffer();
    }
    await writeFile(join(directory, 'armed'), '');
    const sender = sendUntilGone(url, 'u');
    await exit;
    await sender;
  }, 60_000);
});
