import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
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

/** A sink that works, but while there is a file `armed` fails on the side, again and again, where nobody can catch it. */
const MODULE = `
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';

const failures = {
  throws: () => { throw new Error('thrown by a timer', { cause: new Error('the far reason') }); },
  rejects: () => { void Promise.reject(new Error('rejected by a timer', { cause: new Error('the far reason') })); },
  'throws nothing': () => { throw undefined; },
  'throws a payload': () => { throw { email: 'someone@example.com' }; },
};
const fail = (how) => {
  if (!existsSync('armed')) return;
  for (let delay = 0; delay < 50; delay += 5) setTimeout(failures[how], delay);
};
let transformed = 0;

export function createSink({ how, late = false }) {
  let taken = 0;
  return {
    async deliver(events) {
      taken += events.length;
      if (how !== undefined && !late && taken > 100) fail(how);
      await appendFile('events.ndjson', events.map((event) => JSON.stringify(event) + '\\n').join(''));
    },
    async close() {
      if (!late) return;
      fail(how);
      await new Promise((resolve) => setTimeout(resolve, 60));
    },
  };
}

export function transform(event) {
  if (++transformed > 100) fail('throws');
  return event;
}
`;

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const start = async (directory: string, sink: object): Promise<Receiver> => {
  receiver = await startReceiver({
    directory,
    config: {
      server: { port: 0 },
      sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
      sinks: {
        own: { type: 'module', path: './own.mjs', batch: { size: 20, wait: '5ms' }, ...sink },
      },
    },
  });
  return receiver;
};

/** Sends until the receiver is gone; resolves to the ids that were answered 200. */
async function sendUntilGone(url: string, userId: string): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let number = 0; ; number++) {
    const id = `${userId}:${number}`;
    const body = trackText(id, { userId });
    const response = await fetch(`${url}/in`, { method: 'POST', body }).catch(() => undefined);
    if (response === undefined) return acknowledged;
    if (response.status === 200) acknowledged.push(id);
    else expect(response.status).toBe(503);
    await response.arrayBuffer().catch(() => undefined);
  }
}

describe('an error that nobody catches', () => {
  it.each([
    [
      'thrown by a timer of a sink',
      { options: { how: 'throws' } },
      /thrown by a timer.*the far reason/,
    ],
    [
      'in a promise nobody waits for',
      { options: { how: 'rejects' } },
      /rejected by a timer.*the far reason/,
    ],
    ['that is undefined', { options: { how: 'throws nothing' } }, /no error, but undefined/],
    [
      'that is an object',
      { options: { how: 'throws a payload' } },
      /no error, but \[object Object\]/,
    ],
    [
      'thrown by a timer of a transform',
      { transform: './own.mjs' },
      /thrown by a timer.*the far reason/,
    ],
  ])(
    '%s drains under load, is logged once with its cause, ends with 1, and loses nothing',
    async (_, sink, logged) => {
      const directory = await makeDirectory();
      await writeFile(join(directory, 'own.mjs'), MODULE);
      await writeFile(join(directory, 'armed'), '');
      const { child, stderr, url } = await start(directory, sink);
      const exit = once(child, 'exit');
      const senders = Array.from({ length: SENDERS }, (_, sender) =>
        sendUntilGone(url, `u${sender}`),
      );
      const [code] = await exit;
      const acknowledged = (await Promise.all(senders)).flat();
      expect(code).toBe(1);
      const lines = stderr()
        .split('\n')
        .filter((line) => line.startsWith('{'));
      const uncaught = lines.filter((line) => line.includes('that nobody caught; shutting down'));
      expect(uncaught).toEqual([expect.stringMatching(logged)]);
      expect(stderr()).not.toContain('someone@example.com');
      expect(lines.at(-1)).toContain('"msg":"stopped"');

      await rm(join(directory, 'armed'));
      await start(directory, sink);
      expect(acknowledged.length).toBeGreaterThan(100);
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
    await writeFile(join(directory, 'own.mjs'), MODULE);
    await writeFile(join(directory, 'armed'), '');
    const { end, stderr } = await start(directory, { options: { how: 'throws', late: true } });
    expect(await end('SIGTERM')).toBe(1);
    expect(stderr()).toMatch(/thrown by a timer.*the far reason/);
    expect(stderr().trim().split('\n').at(-1)).toContain('"msg":"stopped"');
  });

  it('ends the process also where nobody reads standard error', async () => {
    const directory = await makeDirectory();
    await writeFile(join(directory, 'own.mjs'), MODULE);
    const { child, url } = await start(directory, { options: { how: 'throws' } });
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
