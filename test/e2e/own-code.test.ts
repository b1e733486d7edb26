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

/** A module and a transform that do, for events of user `poison`, what the configuration or the environment says. */
const OWN = `
import { appendFile } from 'node:fs/promises';

const hold = [];
const harm = {
  loop: () => { for (;;); },
  regex: () => /^(a+)+$/.test('a'.repeat(60) + 'b'),
  exit: () => process.exit(3),
  memory: () => { for (;;) hold.push(hold.length * 1.1); },
  timer: () => new Promise(() => setTimeout(() => { throw new Error('out of reach'); }, 1)),
};
const { HARM } = process.env;

export function createSink({ how, file }) {
  return {
    async deliver(events) {
      for (const event of events) {
        if (event.userId === 'poison') await harm[how]();
        await appendFile(file, JSON.stringify(event) + '\\n');
      }
    },
  };
}

export function transform(event) {
  return event.userId === 'poison' ? harm[HARM]() ?? event : event;
}
`;

let receiver: Receiver | undefined;
afterEach(async () => {
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const retry = { initial: '10ms', max: '50ms' };

async function start(
  directory: string,
  sink: object,
  env: Record<string, string> = {},
): Promise<Receiver> {
  await writeFile(join(directory, 'own.mjs'), OWN);
  receiver = await startReceiver({
    directory,
    env,
    config: {
      server: { port: 0 },
      admin: { port: 0 },
      sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
      sinks: {
        own: { lanes: 2, timeout: '2s', batch: { size: 10, wait: '20ms' }, retry, ...sink },
      },
    },
  });
  return receiver;
}

async function send(url: string, userId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, at) => `${userId}:${at}`);
  for (const id of ids) {
    const response = await fetch(`${url}/in`, { method: 'POST', body: trackText(id, { userId }) });
    expect(response.status).toBe(200);
  }
  return ids;
}

interface DeadLetter {
  readonly id: string;
  readonly messageId: string;
  readonly attempts: readonly { readonly error: string; readonly crashed?: boolean }[];
}

async function deadLetters({ adminUrl }: Receiver): Promise<readonly DeadLetter[]> {
  const list = await fetch(`${adminUrl}/api/dead-letters?limit=100`);
  const letters = (await list.json()) as readonly { readonly id: string }[];
  return await Promise.all(
    letters.map(async ({ id }) => {
      const one = await fetch(`${adminUrl}/api/dead-letters/${id}`);
      return (await one.json()) as DeadLetter;
    }),
  );
}

const delivered = async (directory: string): Promise<readonly string[]> =>
  (await readEvents(join(directory, 'events.ndjson')).catch(() => [])).map(({ messageId }) =>
    String(messageId),
  );

const CASES = [
  ['loop', /^the (sink|transform) took longer than 2000 ms; given up after 3 such attempts$/],
  ['regex', /^the (sink|transform) took longer than 2000 ms; given up after 3 such attempts$/],
  ['exit', /^the (module|transform) called process\.exit\(3\); given up after 3 such attempts$/],
  [
    'memory',
    /^the (module|transform) used more than \d+ MB of memory( in all)?; given up after 3 such/,
  ],
  ['timer', /^the (module|transform) did not catch an error: out of reach; given up/],
] as const;

const KINDS = [
  [
    'module',
    (how: string) => ({
      type: 'module',
      path: './own.mjs',
      options: { how, file: './events.ndjson' },
    }),
  ],
  ['transform', () => ({ type: 'file', path: './events.ndjson', transform: './own.mjs' })],
] as const;

describe.each(KINDS)('a %s of the operator’s', (_, sink) => {
  it.each(CASES)(
    'that harms its process by a %s costs that event only; the receiver goes on',
    async (how, error) => {
      // What is blocked never ends by itself; the others may take their time on a busy machine.
      const timeout = ['loop', 'regex'].includes(how) ? '2s' : '30s';
      const directory = await makeDirectory();
      const env = { HARM: how, NODE_OPTIONS: '--max-old-space-size=256' };
      const { url, adminUrl, child } = await start(directory, { timeout, ...sink(how) }, env);
      const good = await send(url, 'before', 20);
      await send(url, 'poison', 1);
      // More events than a batch holds, of users in both lanes.
      for (const user of ['a', 'b', 'c', 'd']) good.push(...(await send(url, user, 10)));
      expect((await fetch(`${url}/livez`)).status).toBe(200);
      expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
      const letters = await eventually(
        () => deadLetters(receiver as Receiver),
        ({ length }) => length > 0,
        90_000,
      );
      const crashes = letters[0]?.attempts.filter(({ crashed }) => crashed) ?? [];
      expect(letters).toHaveLength(1);
      expect(crashes).toHaveLength(3);
      expect(crashes[2]?.error).toMatch(error);
      await eventually(
        () => delivered(directory),
        (ids) => good.every((id) => ids.includes(id)),
        60_000,
      );
      expect(await delivered(directory)).not.toContain('poison:0');
      expect(child.exitCode).toBeNull();
      expect(await receiver?.end('SIGTERM')).toBe(0);
    },
    180_000,
  );

  it('that is blocked keeps no stop from ending in time, and the count of attempts survives it', async () => {
    const directory = await makeDirectory();
    const { url, end } = await start(directory, sink('loop'), { HARM: 'loop' });
    await send(url, 'poison', 1);
    await eventually(
      async () => receiver?.stderr() ?? '',
      (text) => text.includes('took longer than 2000 ms'),
    );
    expect(await end('SIGTERM')).toBe(0);
    for (let restart = 0; (await startAgain()) === 0; restart++) expect(restart).toBeLessThan(4);
    const [letter] = await deadLetters(receiver as Receiver);
    expect(letter?.attempts.filter(({ crashed }) => crashed)).toHaveLength(3);

    /** Runs until one more attempt has ended or there is a dead letter; resolves to how many there are. */
    async function startAgain(): Promise<number> {
      const again = await start(directory, sink('loop'), { HARM: 'loop' });
      const ended = await eventually(
        async () =>
          [again.stderr().includes('took longer than'), await deadLetters(again)] as const,
        ([isEnded, { length }]) => isEnded || length > 0,
      );
      if (ended[1].length === 0) expect(await again.end('SIGTERM')).toBe(0);
      return ended[1].length;
    }
  }, 120_000);
});
