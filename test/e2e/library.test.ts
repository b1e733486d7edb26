import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Koa from 'koa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../src/telemetry/log.js';
import { createTrackbridge, type Trackbridge } from '../../src/trackbridge.js';
import { eventually, makeDirectory, readEvents } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

let directory: string;
let trackbridge: Trackbridge | undefined;
let server: Server | undefined;
beforeEach(async () => {
  directory = await makeDirectory();
});
afterEach(async () => {
  server?.close();
  await trackbridge?.stop();
});

const make = (more: object = {}): Trackbridge => {
  trackbridge = createTrackbridge(
    {
      outbox: { path: join(directory, 'outbox.db') },
      sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
      sinks: {
        archive: { type: 'file', path: join(directory, 'events.ndjson'), batch: { wait: '1ms' } },
      },
      ...more,
    },
    { env: {}, log: createLog('silent') },
  );
  return trackbridge;
};
const listen = async (listener: Parameters<typeof createServer>[1]): Promise<string> => {
  server = createServer(listener as never);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
const deliver = (url: string, id: string): Promise<Response> =>
  fetch(`${url}/in`, { method: 'POST', body: trackText(id) });
const arrived = (id: string): Promise<unknown> =>
  eventually(
    () => readEvents(join(directory, 'events.ndjson')),
    (all) => all.some((event) => event['messageId'] === id),
  );

describe('createTrackbridge', () => {
  it('is a listener for a server of one’s own', async () => {
    const receiver = make();
    await receiver.start();
    const url = await listen(receiver.callback());
    expect((await deliver(url, 'm-1')).status).toBe(200);
    await arrived('m-1');
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
    expect(receiver.ports.server).toBeUndefined();
  });

  it('is a middleware that leaves other paths to the application', async () => {
    const receiver = make();
    await receiver.start();
    const app = new Koa();
    app.use(receiver.middleware());
    app.use((ctx) => {
      ctx.body = 'the application';
    });
    const url = await listen(app.callback());
    expect((await deliver(url, 'm-1')).status).toBe(200);
    expect(await (await fetch(`${url}/elsewhere`)).text()).toBe('the application');
    await arrived('m-1');
  });

  it('answers 503, not a drop, where the body was read before it', async () => {
    const receiver = make();
    await receiver.start();
    const app = new Koa();
    app.use(async (ctx, next) => {
      for await (const _chunk of ctx.req);
      await next();
    });
    app.use(receiver.middleware());
    const url = await listen(app.callback());
    const response = await deliver(url, 'm-1');
    expect(response.status).toBe(503);
    expect(((await response.json()) as { detail: string }).detail).toMatch(
      /a body parser has already read/,
    );
  });

  it('listens itself where there is a server section', async () => {
    const receiver = make({ server: { port: 0 } });
    await receiver.start();
    expect((await deliver(`http://127.0.0.1:${receiver.ports.server}`, 'm-1')).status).toBe(200);
  });

  it('starts once and stops once, however often and early it is told to', async () => {
    const receiver = make({ server: { port: 0 } });
    const starting = receiver.start();
    const stopping = receiver.stop();
    await Promise.all([
      starting,
      receiver.start().catch(() => undefined),
      stopping,
      receiver.stop(),
    ]);
    await expect(deliver(`http://127.0.0.1:${receiver.ports.server}`, 'm-2')).rejects.toThrow();
    await expect(receiver.start()).rejects.toThrow(/create another/);
  });

  it('lets go of everything where a start fails, so that the next one works', async () => {
    const busy = await listen(() => undefined);
    const port = Number(new URL(busy).port);
    await expect(make({ server: { port } }).start()).rejects.toThrow(/port is in use/);
    const second = make();
    await second.start();
    await second.stop();
  });

  it('says what is wrong with its configuration', () => {
    expect(() => make({ sinks: { a: { type: 'fiel', path: 'x' } } })).toThrow(/"file"/);
  });

  it('answers 503 before it is started', async () => {
    const url = await listen(make().callback());
    expect((await deliver(url, 'm-1')).status).toBe(503);
  });
});
