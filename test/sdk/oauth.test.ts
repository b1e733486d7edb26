import { generateKeyPairSync } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Analytics } from '@segment/analytics-node';
import { afterEach, expect, it, vi } from 'vitest';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  runCommand,
  startReceiver,
} from '../support/receiver.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const clientKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = publicKey.export({ type: 'spki', format: 'pem' }).toString();

const SECRET = 'a-secret-of-thirty-two-bytes-000';
const NEXT = 'another-secret-of-32-bytes-00000';

const open: Receiver[] = [];
const directories: string[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((receiver) => receiver.end('SIGKILL')));
  await Promise.all(directories.splice(0).map((each) => rm(each, { recursive: true })));
});

interface Start {
  /** The one that signs, and those before it. */
  readonly secrets?: readonly [string, ...string[]];
  readonly port?: number;
  readonly directory?: string;
}

/** The program, taking only what comes with an access token, under an audience that follows its address. */
async function start({ secrets = [SECRET], port, directory }: Start = {}): Promise<Receiver> {
  const [secret, ...previousSecrets] = secrets;
  const place = directory ?? (await makeDirectory());
  if (directory === undefined) directories.push(place);
  const receiver = await startReceiver({
    directory: place,
    config: {
      server: { port: port ?? 0 },
      outbox: { path: './data/outbox.db' },
      sources: {
        sdk: {
          type: 'tracking-api',
          path: '/in',
          writeKeys: ['the-write-key-of-the-test'],
          oauth: {
            secret,
            previousSecrets,
            clients: [{ id: 'app', key, keyId: 'key-1' }],
            required: true,
          },
        },
      },
      sinks: { archive: { type: 'file', path: './data/events.ndjson', batch: { wait: '1ms' } } },
    },
  });
  open.push(receiver);
  return receiver;
}

/** Segment's own library, with OAuth. */
function sdk(url: string, signedBy = clientKey, maxRetries = 3): Analytics {
  return new Analytics({
    writeKey: 'the-write-key-of-the-test',
    host: url,
    path: '/in/v1/batch',
    flushInterval: 20,
    maxRetries,
    oauthSettings: {
      clientId: 'app',
      clientKey: signedBy,
      keyId: 'key-1',
      authServer: `${url}/in`,
    },
  });
}

function track(analytics: Analytics, messageId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    analytics.track({ userId: 'u', event: 'E', messageId }, (error) =>
      error === undefined ? resolve() : reject(error),
    );
  });
}

const eventsIn = (directory: string) => readEvents(join(directory, 'data/events.ndjson'));

it('Segment’s library gets its token here and sends with it', async () => {
  const { url, directory } = await start();
  const analytics = sdk(url);
  await track(analytics, 'one');
  await track(analytics, 'two');
  const events = await eventually(
    () => eventsIn(directory),
    ({ length }) => length === 2,
  );
  expect(events).toMatchObject([
    { messageId: 'one', receipt: { authenticated: true, verifiedBy: 'jwt+write-key' } },
    { messageId: 'two' },
  ]);
  await analytics.closeAndFlush();
});

it('a token outlives a restart and a new secret, and nothing is lost', async () => {
  const first = await start();
  const { directory, url } = first;
  const port = Number(new URL(url).port);
  const analytics = sdk(url);
  await track(analytics, 'before');
  await first.end();
  const second = await start({ directory, port });
  await track(analytics, 'after a restart');
  await second.end();
  const third = await start({ directory, port, secrets: [NEXT, SECRET] });
  await track(analytics, 'after a new secret');
  const events = await eventually(
    () => eventsIn(directory),
    ({ length }) => length === 3,
  );
  expect(events.map(({ messageId }) => messageId)).toEqual([
    'before',
    'after a restart',
    'after a new secret',
  ]);
  for (const { stderr } of [second, third]) expect(stderr()).not.toContain('TOKEN_INVALID');
  await analytics.closeAndFlush();
});

it('a token that is ended is refused, and the library gets another by itself', async () => {
  const first = await start();
  const { directory, url } = first;
  const analytics = sdk(url);
  await track(analytics, 'before');
  await first.end();
  const { stderr } = await start({ directory, port: Number(new URL(url).port), secrets: [NEXT] });
  // Its version 3 drops what was refused.
  await expect(track(analytics, 'refused')).rejects.toThrow('401');
  await track(analytics, 'after');
  const events = await eventually(
    () => eventsIn(directory),
    ({ length }) => length === 2,
  );
  expect(events.map(({ messageId }) => messageId)).toEqual(['before', 'after']);
  expect(stderr()).toContain('TOKEN_INVALID');
  expect(stderr()).not.toMatch(/eyJ|thirty-two|another-secret/);
  await analytics.closeAndFlush();
});

it('a client with another key gets none, and its events are not taken', async () => {
  const { url, directory, stderr } = await start();
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const analytics = sdk(url, other.export({ type: 'pkcs8', format: 'pem' }).toString(), 0);
  analytics.on('error', () => undefined);
  await expect(track(analytics, 'never')).rejects.toThrow();
  expect(stderr()).toContain('the assertion is invalid');
  expect(await eventsIn(directory)).toEqual([]);
  await analytics.closeAndFlush();
});

it('a client whose clock is wrong sets it by our answer, and nothing is lost', async () => {
  const { url, directory, stderr } = await start();
  const now = Date.now;
  const wrong = vi.spyOn(Date, 'now').mockImplementation(() => now() + 7_200_000);
  try {
    const analytics = sdk(url);
    analytics.on('error', () => undefined);
    await track(analytics, 'one');
    await analytics.closeAndFlush();
  } finally {
    wrong.mockRestore();
  }
  const events = await eventually(
    () => eventsIn(directory),
    ({ length }) => length === 1,
  );
  expect(events).toMatchObject([{ messageId: 'one' }]);
  expect(stderr()).toContain("check the client's clock");
});

it('the segment sink of another receiver gets its token here too', async () => {
  const { url, directory } = await start();
  const place = await makeDirectory();
  directories.push(place);
  const sender = await startReceiver({
    directory: place,
    config: {
      server: { port: 0 },
      outbox: { path: './data/outbox.db' },
      sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
      sinks: {
        onwards: {
          type: 'segment',
          writeKey: 'the-write-key-of-the-test',
          endpoint: `${url}/in`,
          oauth: {
            clientId: 'app',
            keyId: 'key-1',
            privateKey: clientKey,
            tokenUrl: `${url}/in/token`,
          },
        },
      },
    },
  });
  open.push(sender);
  const body = JSON.stringify({ type: 'track', event: 'E', userId: 'u', messageId: 'onwards' });
  await fetch(`${sender.url}/in`, { method: 'POST', body });
  const events = await eventually(
    () => eventsIn(directory),
    ({ length }) => length === 1,
  );
  expect(events).toMatchObject([
    { messageId: 'onwards', receipt: { verifiedBy: 'jwt+write-key' } },
  ]);
});

it('the check of a configuration names the client whose key is none', async () => {
  const directory = await makeDirectory();
  directories.push(directory);
  const oauth = { secret: SECRET, clients: [{ id: 'a', key: 'none' }] };
  const sources = { sdk: { type: 'tracking-api', writeKeys: ['a-write-key-here'], oauth } };
  await writeFile(join(directory, 'c.json'), JSON.stringify({ sources }));
  const { code, stderr } = await runCommand(['check', '--config', 'c.json'], { cwd: directory });
  expect(code).toBe(2);
  expect(stderr).toMatch(/sources\.sdk\.oauth\.clients\[0\]\.key does not fit any/);
});
