import { readFile, rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { BUCKET, KEYS, type S3Store, s3Store } from '../sinks/s3/store.js';
import { sinkExample } from '../support/markdown.js';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';

const EVENTS = 10_000;
const USERS = 50;
const DELIVERY = 500;

interface Stored {
  readonly messageId: string;
  readonly userId: string;
  readonly properties: { readonly n: number };
}

describe('the s3 sink of the program', () => {
  let store: S3Store;
  let receiver: Receiver;
  afterEach(async () => {
    await receiver.end('SIGKILL');
    await rm(receiver.directory, { recursive: true, force: true });
    await store.close();
  });
  const start = async (age: string, secret: string = KEYS.secretAccessKey) =>
    startReceiver({
      config: {
        server: { port: 0 },
        sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
        sinks: {
          lake: {
            type: 's3',
            endpoint: `http://127.0.0.1:${store.port}`,
            bucket: BUCKET,
            ...KEYS,
            secretAccessKey: secret,
            close: { size: '256kb', age },
            retry: { initial: '50ms', max: '200ms' },
          },
        },
      },
    });
  const send = async (from: number, count: number): Promise<void> => {
    const batch = Array.from({ length: count }, (_, index) => {
      const n = from + index;
      return {
        type: 'track',
        event: 'E',
        messageId: `m-${n}`,
        userId: `u-${n % USERS}`,
        properties: { n },
      };
    });
    const response = await fetch(`${receiver.url}/in`, {
      method: 'POST',
      body: JSON.stringify(batch),
    });
    expect(response.status).toBe(200);
  };

  it('stores 10,000 events over restarts of the store: all, each user in order', async () => {
    store = await s3Store();
    receiver = await start('200ms');
    for (let from = 0; from < EVENTS; from += DELIVERY) {
      await send(from, DELIVERY);
      if (from === 2_000 || from === 6_000) await store.stop();
      if (from === 4_000 || from === 8_000) await store.start();
    }
    const ids = (events: readonly unknown[]) =>
      new Set(events.map((event) => (event as Stored).messageId));
    const stored = await eventually(
      () => store.events(),
      (events) => ids(events).size === EVENTS,
    );
    // The process was never gone, so what it stored again was the same object.
    expect(stored).toHaveLength(EVENTS);
    const last = new Map<string, number>();
    for (const { userId, properties } of stored as Stored[]) {
      expect(properties.n).toBeGreaterThan(last.get(userId) ?? -1);
      last.set(userId, properties.n);
    }
    const keys = await store.keys();
    expect(keys.length).toBeLessThan(EVENTS / 100);
    // Read in the order of their names they are in order, too.
    const put = [...new Set(store.requests)];
    expect(put).toEqual([...put].sort());
  });

  it('stores what it holds at a stop, long before the object is old enough', async () => {
    store = await s3Store();
    receiver = await start('1h');
    await send(0, 10);
    expect(await receiver.end()).toBe(0);
    expect(await store.events()).toHaveLength(10);
  });

  it('works as the manual’s example has it, which check --connect finds in order', async () => {
    store = await s3Store();
    const page = await readFile(new URL('../../docs/sinks/s3.md', import.meta.url), 'utf8');
    const here = page.replaceAll(':4568', `:${store.port}`);
    const { accessKeyId, secretAccessKey } = KEYS;
    const env = { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey };
    const sources = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };
    const config = { server: { port: 0 }, sources, sinks: { lake: sinkExample(here, 's3-sink') } };
    receiver = await startReceiver({ config, env });
    const args = ['check', '--config', 'trackbridge.json', '--connect'];
    expect(await runCommand(args, { cwd: receiver.directory, env })).toMatchObject({ code: 0 });
    await send(0, 1);
    expect(await receiver.end()).toBe(0);
    expect(await store.keys()).toEqual([
      expect.stringMatching(
        /^tracking\/dt=\d{4}-\d\d-\d\d\/hour=\d\d\/\d{8}T\d{9}Z-\w{32}\.ndjson\.gz$/,
      ),
    ]);
  });

  it('keeps the events while its credentials are wrong, and says so without them', async () => {
    store = await s3Store();
    receiver = await start('10ms', 'not-the-secret-of-it');
    await send(0, 1);
    const text = await eventually(
      async () => receiver.stderr(),
      (all) => all.includes('SignatureDoesNotMatch, check accessKeyId and secretAccessKey'),
    );
    expect(text).not.toContain('not-the-secret-of-it');
    expect(text).not.toContain('dead letter');
    expect(await store.keys()).toEqual([]);
  });
});
