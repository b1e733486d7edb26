import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../support/free-port.js';
import { eventually, type Receiver, readEvents, startReceiver } from '../../support/receiver.js';
import { trackText } from '../../support/sender.js';
import { type Answered, type Client, http1, http2, type Sent } from './client.js';
import {
  EVENTS_HOST,
  INSPECTOR_HOST,
  isInstalled,
  PROGRAMS,
  type ReverseProxy,
  startProxy,
} from './proxy.js';

const TOKEN = 'a-token-for-the-admin-listener';
const SECRET = 'a-secret-in-a-static-header';
const WRITE_KEY = 'a-write-key-of-the-proxies';
const CONFIG = {
  server: { port: 0, trustProxy: true },
  admin: { port: 0, token: TOKEN, record: {} },
  sources: {
    segment: { type: 'segment', path: '/segment', verify: { scheme: 'none' } },
    rudderstack: { type: 'rudderstack', path: '/rudderstack', verify: { scheme: 'none' } },
    key: {
      type: 'rudderstack',
      path: '/key',
      verify: { scheme: 'shared-secret', header: 'x_api_key', secrets: [SECRET] },
    },
    sdk: {
      type: 'tracking-api',
      dialect: 'segment',
      path: '/sdk',
      writeKeys: [WRITE_KEY],
    },
  },
  sinks: { archive: { type: 'file', path: './events.ndjson' } },
};

const JSON_TYPE = { 'content-type': 'application/json' };
const portOf = (url: string): number => Number(new URL(url).port);
const kilobytes = (count: number): string => 'a'.repeat(count * 1_024);

/** An event whose body has about this many kilobytes. */
const eventOf = (size: number): string =>
  trackText(`big-${size}`, { properties: { filler: kilobytes(size) } });
const get = (size: number): Sent => ({
  host: EVENTS_HOST,
  path: `/rudderstack?type=track&event=Got&userId=u&properties.filler=${kilobytes(size)}`,
});
const post = (path: string, body: string, headers: Sent['headers'] = {}): Sent => ({
  host: EVENTS_HOST,
  path,
  method: 'POST',
  body,
  headers: { ...JSON_TYPE, ...headers },
});
/** Headers of 4 kB each, as the transformation sends an event. */
const headersOf = (size: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: size / 4 }, (_, at) => [`x-part-${at}`, 'b'.repeat(4_000)]),
  );
const manyHeaders = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-h-${at}`, 'v']));

/** Deliveries that the vendors send, and that a proxy with default settings loses. */
const DELIVERIES: Readonly<Record<string, Sent>> = {
  'a body of 1.3 MB': post('/segment', eventOf(1_300)),
  'a body of 7 MB': post('/segment', eventOf(7_000)),
  'a body of 1.3 MB without its length': {
    ...post('/segment', eventOf(1_301)),
    isChunked: true,
  },
  'a GET of 8.2 kB': get(8),
  'a GET of 30 kB': get(30),
  'a GET of 200 kB': get(200),
  '20 kB of headers': { ...get(1), headers: headersOf(20) },
  '60 kB of headers': { ...get(1), headers: headersOf(60) },
  '120 headers': { ...get(1), headers: manyHeaders },
  'a secret in a header with underscores': post('/key', trackText('underscores'), {
    x_api_key: SECRET,
  }),
  'an event named by a path with %2F': post('/rudderstack/track/A%2FB', '{"userId":"u"}'),
};

/** What a proxy cannot do, as its file says. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  apache: ['HTTP/2: a GET of 200 kB', 'a body that never ends'],
};

const CLIENTS: Readonly<Record<string, Client>> = { 'HTTP/1.1': http1, 'HTTP/2': http2 };

describe.each(Object.keys(PROGRAMS))('behind %s', (name) => {
  const isWanted = isInstalled(name) || process.env['CI'] !== undefined;
  const when = it.skipIf(!isWanted);
  let receiver: Receiver;
  let proxy: ReverseProxy;
  beforeAll(async () => {
    if (!isWanted) return;
    receiver = await startReceiver({ config: CONFIG });
    proxy = await startProxy(name, [portOf(receiver.url)], portOf(receiver.adminUrl));
  });
  afterAll(async () => {
    await proxy?.close();
    await receiver?.end('SIGKILL');
  });

  const rows = Object.entries(CLIENTS).flatMap(([protocol, client]) =>
    Object.entries(DELIVERIES).map(([what, sent]) => ({
      row: `${protocol}: ${what}`,
      client,
      sent,
    })),
  );
  when.each(rows.filter(({ row }) => !KNOWN[name]?.includes(row)))(
    '$row is accepted',
    async ({ client, sent }) => {
      const { body, status } = await client(proxy, sent);
      expect(status, body.slice(0, 300)).toBe(200);
    },
  );

  when('a path with %2F names the event as it was sent', async () => {
    const path = join(receiver.directory, 'events.ndjson');
    const named = await eventually(
      async () => (await readEvents(path)).filter(({ event }) => event === 'A/B'),
      ({ length }) => length > 0,
    );
    expect(named[0]).toMatchObject({ type: 'track', userId: 'u' });
  });

  const endless = KNOWN[name]?.includes('a body that never ends') ? [] : Object.keys(CLIENTS);
  when.each(endless)('%s: a body that never ends is answered 503', async (protocol) => {
    const sent = { ...post('/segment', '{"type":'), isEndless: true };
    const answer = (await CLIENTS[protocol]?.(proxy, sent)) as Answered;
    expect(answer.status, answer.body).toBe(503);
  });

  when('a forged address of a sender is not believed', async () => {
    const forged = { 'x-forwarded-for': '6.6.6.6', x_api_key: 'wrong' };
    const { status } = await http1(proxy, post('/key', trackText('forged'), forged));
    expect(status).toBe(401);
    const line = await eventually(
      () =>
        receiver
          .stderr()
          .split('\n')
          .find((each) => each.includes('UNAUTHENTICATED')) ?? '',
      (text) => text !== '',
    );
    expect(JSON.parse(line)).toMatchObject({ remote: '127.0.0.1' });
  });

  when('a forged host is not believed', async () => {
    const headers = { 'x-forwarded-host': 'evil.example' };
    const path = `/sdk/v1/projects/${WRITE_KEY}/settings`;
    const { body, status } = await http1(proxy, { host: EVENTS_HOST, path, headers });
    expect(status).toBe(200);
    expect(body).not.toContain('evil.example');
    expect(body).toContain(`${EVENTS_HOST}:${proxy.port}`);
  });

  const authorization = `Bearer ${TOKEN}`;
  when.each(Object.keys(CLIENTS))('%s: a button of the inspector works', async (protocol) => {
    const answer = await CLIENTS[protocol]?.(proxy, {
      ...post('/api/quarantine/purge', '{"all":true}'),
      host: INSPECTOR_HOST,
      headers: {
        ...JSON_TYPE,
        authorization,
        origin: `https://${INSPECTOR_HOST}:${proxy.port}`,
        'sec-fetch-site': 'same-origin',
      },
    });
    expect(answer?.status, answer?.body).toBe(200);
  });

  when('the inspector hears of a delivery while its stream is open', async () => {
    const id = `live-${name}`;
    const heard = new Promise<string>((resolve, reject) => {
      const stream = request(
        {
          host: '127.0.0.1',
          port: proxy.port,
          servername: INSPECTOR_HOST,
          ca: proxy.ca,
          agent: false,
          path: '/api/live',
          headers: { host: `${INSPECTOR_HOST}:${proxy.port}`, authorization },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
            if (!text.includes(id)) return;
            stream.destroy();
            resolve(text);
          });
          const body = trackText(id, { event: id });
          http1(proxy, post('/segment', body)).catch(reject);
        },
      );
      stream.once('error', reject).end();
    });
    expect(await heard).toContain(id);
  });
});

describe.each(['nginx', 'haproxy', 'caddy'])(
  'a rolling restart of two receivers behind %s',
  (name) => {
    const isWanted = isInstalled(name) || process.env['CI'] !== undefined;

    it.skipIf(!isWanted)(
      'loses nothing that was answered 200, and no answer drops an event',
      async () => {
        const start = async (port: number, directory?: string): Promise<Receiver> => {
          const config = { ...CONFIG, server: { ...CONFIG.server, port } };
          return await startReceiver({ config, ...(directory === undefined ? {} : { directory }) });
        };
        const ports = [await freePort(), await freePort()];
        const receivers = await Promise.all(ports.map((port) => start(port)));
        const proxy = await startProxy(name, ports, portOf(receivers[0]?.adminUrl ?? ''));
        try {
          const statuses = new Map<number, number>();
          const acknowledged = new Set<string>();
          let isOver = false;
          const senders = Array.from({ length: 4 }, async (_, sender) => {
            for (let at = 0; !isOver; at++) {
              const id = `s${sender}-${at}`;
              const sent = post('/segment', trackText(id));
              const { status } = await http1(proxy, sent).catch(() => ({ status: 0 }));
              statuses.set(status, (statuses.get(status) ?? 0) + 1);
              if (status === 200) acknowledged.add(id);
            }
          });
          for (const [at, port] of ports.entries()) {
            const { size } = acknowledged;
            const before = receivers[at] as Receiver;
            expect(await before.end('SIGTERM')).toBe(0);
            receivers[at] = await start(port, before.directory);
            await eventually(
              () => acknowledged.size,
              (count) => count > size + 20,
            );
          }
          isOver = true;
          await Promise.all(senders);
          expect(acknowledged.size).toBeGreaterThan(40);
          // 0: the connection ended, which both vendors retry as they do 5xx.
          for (const status of statuses.keys()) expect([0, 200, 502, 503, 504]).toContain(status);
          for (const receiver of receivers) expect(await receiver.end('SIGTERM')).toBe(0);
          const stored = await Promise.all(
            receivers.map(({ directory }) => readEvents(join(directory, 'events.ndjson'))),
          );
          const ids = new Set(stored.flat().map(({ messageId }) => messageId));
          expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);
        } finally {
          await proxy.close();
          for (const receiver of receivers) await receiver.end('SIGKILL');
        }
      },
    );
  },
);
