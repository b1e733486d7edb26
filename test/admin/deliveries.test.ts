import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import Router from '@koa/router';
import Koa from 'koa';
import { afterEach, describe, expect, it } from 'vitest';
import { liveRoute } from '../../src/admin/live-route.js';
import type { Observations } from '../../src/core/observe.js';
import { createInspector, type Inspector } from '../../src/workbench/inspect/inspector.js';
import type { DeliverySummary } from '../../src/workbench/inspect/record.js';
import { sourceConfig } from '../sources/support.js';
import { observed } from '../support/observations.js';
import { eventually } from '../support/receiver.js';
import { observedDelivery } from '../workbench/inspect/recordings.js';
import { close, listen } from './listen.js';
import { type AdminRoom, serveAdmin } from './serve.js';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  close();
});

function inspectorOf(
  { clock }: AdminRoom,
  observations: Observations,
  recording: boolean,
): Inspector {
  return createInspector({
    observations,
    config: {
      server: {} as never,
      outbox: {} as never,
      admin: {
        host: '127.0.0.1',
        port: 0,
        ...(recording ? { record: { deliveries: 50, memory: 1e8 } } : {}),
      },
      sources: { segment: sourceConfig({ path: '/segment' }) },
      sinks: { archive: {} as never, orders: {} as never },
    },
    secrets: ['a-secret-of-the-segment'],
    clock,
    readSinks: async () => [],
    onFault: (error) => {
      throw error;
    },
  });
}

async function serve({ recording = true, listensItself = false } = {}) {
  const observations = observed();
  let inspector!: Inspector;
  const served = await serveAdmin([{ name: 'archive' }, { name: 'orders' }], (room) => {
    inspector = inspectorOf(room, observations, recording);
    return {
      inspect: {
        inspector,
        version: '1.2.3',
        outbox: room.outbox,
        uuid: () => 'a-new-id',
        receiver: () => (listensItself ? { url: 'http://127.0.0.1:1' } : undefined),
        sourceConfig: () => undefined,
        budget: () => 1_000,
        stopping: new AbortController().signal,
      },
    };
  });
  const deliver = (
    id: string,
    changes: { type?: string; status?: number; url?: string; body?: Buffer } = {},
  ) => {
    const { type = 'track', status = 200, body = Buffer.from(`{"a":"${id}"}`) } = changes;
    const delivery = observedDelivery(observations, { id, url: changes.url ?? '/segment' });
    delivery.read(body);
    delivery.verified();
    const event = { type, userId: `user of ${id}`, messageId: 'm' };
    delivery.judged({ decoded: event, canonical: JSON.stringify(event) });
    if (status === 200) delivery.appended([{ outcome: 'accepted', id: `event of ${id}` }]);
    delivery.answered({ status, outcome: status === 200 ? 'accepted' : 'unauthenticated' });
  };
  const ask = (path: string, init?: RequestInit) => served.ask(`/api/${path}`, init);
  const idsOf = async (query: string): Promise<string[]> => {
    const found = (await (await ask(`deliveries${query}`)).json()) as DeliverySummary[];
    return found.map(({ id }) => id);
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    served.post(`/api/${path}`, body, headers);
  return { ...served, ask, deliver, idsOf, inspector, observations, post };
}

/** A subscriber to the stream that reads as the test says. */
async function subscribe(url: string, query = ''): Promise<{ socket: Socket; text(): string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(`GET /api/live${query} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  await eventually(
    () => text,
    (so) => so.includes('event: hello') || / (?!200)\d{3} /.test(so.slice(0, 15)),
  );
  return { socket, text: () => text };
}

describe('the list of deliveries', () => {
  it('is newest first, by page', async () => {
    const { ask, deliver, idsOf } = await serve();
    for (const id of ['a', 'b', 'c', 'd']) deliver(id);
    expect(await idsOf('')).toEqual(['d', 'c', 'b', 'a']);
    expect(await idsOf('?limit=2')).toEqual(['d', 'c']);
    expect(await idsOf('?limit=2&before=c')).toEqual(['b', 'a']);
    // Gone meanwhile: ids are in the order of arrival.
    expect(await idsOf('?before=bb')).toEqual(['b', 'a']);
    expect((await ask('deliveries')).headers.get('x-recording')).toBe('on');
  });

  it('can be narrowed', async () => {
    const { deliver, idsOf } = await serve();
    deliver('a', { type: 'page' });
    deliver('b', { status: 401 });
    deliver('c', { url: '/segment/Deep?x=1' });
    expect(await idsOf('?type=page')).toEqual(['a']);
    expect(await idsOf('?outcome=refused')).toEqual(['b']);
    expect(await idsOf('?outcome=accepted')).toEqual(['c', 'a']);
    expect(await idsOf('?text=DEEP')).toEqual(['c']);
    expect(await idsOf('?text=user%20of%20a')).toEqual(['a']);
    expect(await idsOf('?source=other')).toEqual([]);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'text=a&text=b', `text=${'x'.repeat(501)}`])(
    'refuses %s',
    async (query) => {
      const { ask } = await serve();
      expect((await ask(`deliveries?${query}`)).status).toBe(400);
    },
  );

  it('is empty, and says so, where nothing is recorded', async () => {
    const { ask, deliver } = await serve({ recording: false });
    deliver('a');
    const answered = await ask('deliveries');
    expect([await answered.json(), answered.headers.get('x-recording')]).toEqual([[], 'off']);
    const one = await ask('deliveries/a');
    expect(one.status).toBe(404);
    expect(await one.json()).toMatchObject({ detail: expect.stringContaining('admin.record') });
  });
});

describe('one delivery', () => {
  it('is shown, and can be taken away as bytes, curl and fixture', async () => {
    const { ask, deliver } = await serve();
    deliver('a');
    expect(await (await ask('deliveries/a')).json()).toMatchObject({
      id: 'a',
      request: { body: Buffer.from('{"a":"a"}').toString('base64') },
    });
    const body = await ask('deliveries/a/body');
    expect(body.headers.get('content-disposition')).toContain('attachment');
    expect(await body.text()).toBe('{"a":"a"}');
    expect(await (await ask('deliveries/a/curl')).text()).toContain(`--data-raw '{"a":"a"}'`);
    expect(await (await ask('deliveries/a/fixture')).json()).toMatchObject({
      trackbridge: 1,
      body: { text: '{"a":"a"}' },
    });
    for (const path of ['', '/body', '/curl', '/fixture']) {
      expect((await ask(`deliveries/nobody${path}`)).status).toBe(404);
    }
  });

  it('is replayed to the sinks that are named, and to no misspelt ones', async () => {
    const { deliver, outbox, post } = await serve();
    deliver('a');
    expect(await (await post('deliveries/a/replay', { sinks: ['orders'] })).json()).toEqual({
      replayed: 1,
    });
    expect(await (await post('deliveries/a/replay', {})).json()).toEqual({ replayed: 1 });
    const { sinks } = await outbox.stats();
    expect(sinks.map(({ pending }) => pending)).toEqual([1, 2]);
    for (const body of [{ sinks: [] }, { sinks: ['other'] }, { sink: ['orders'] }, []]) {
      expect((await post('deliveries/a/replay', body)).status).toBe(400);
    }
    deliver('refused', { status: 401 });
    expect(await (await post('deliveries/refused/replay', {})).json()).toEqual({ replayed: 0 });
  });

  it('cannot be sent again where the receiver has no listener, or none that answers', async () => {
    const library = await serve();
    library.deliver('a');
    const refused = await library.post('deliveries/a/send-again', {});
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('program') });
    const away = await serve({ listensItself: true });
    away.deliver('a');
    expect((await away.post('deliveries/a/send-again', { newIds: false })).status).toBe(503);
    expect((await away.post('deliveries/a/send-again', { newIds: 1 })).status).toBe(400);
  });

  it.each(['explain', 'send-again', 'replay'])(
    'takes no %s from a form or a page of another site',
    async (action) => {
      const { ask, deliver, outbox, post } = await serve({ listensItself: true });
      deliver('a');
      const path = `deliveries/a/${action}`;
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      expect((await ask(path, { method: 'POST', body: '{}', headers: form })).status).toBe(400);
      expect((await ask(path, { method: 'POST' })).status).toBe(400);
      expect((await ask(path)).status).toBe(405);
      for (const headers of [
        { origin: 'https://elsewhere.example' },
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'null' },
      ] as Record<string, string>[]) {
        expect((await post(path, {}, headers)).status).toBe(403);
      }
      expect((await outbox.stats()).sinks.map(({ pending }) => pending)).toEqual([0, 0]);
    },
  );
});

describe('the live stream', () => {
  it('says hello, then each delivery and attempt that is wanted, whole where that is asked', async () => {
    const { deliver, observations, url } = await serve({ recording: false, listensItself: true });
    const all = await subscribe(url);
    const some = await subscribe(url, '?type=page&record=true');
    expect(all.text()).toContain('content-type: text/event-stream');
    expect(all.text()).toContain(
      'data: {"recording":false,"version":"1.2.3","sources":["segment"],"sinks":["archive","orders"],"target":"http://127.0.0.1:1/segment"}',
    );
    deliver('a');
    deliver('b', { type: 'page' });
    observations.attempted.publish({
      sink: 'archive',
      at: 1,
      ms: 2,
      counts: { delivered: 1, transient: 0, permanent: 0 },
      events: () => [{ id: 'event of b', outcome: 'delivered' }],
    });
    for (const { text } of [all, some])
      await eventually(text, (so) => so.includes('event: attempt'));
    expect(all.text().match(/event: (delivery|attempt)/g)).toEqual([
      'event: delivery',
      'event: delivery',
      'event: attempt',
    ]);
    expect(all.text()).not.toContain('"request"');
    expect(some.text().match(/event: delivery\ndata: .*"id":"b".*"request"/g)).toHaveLength(1);
    expect(some.text()).toContain('data: {"deliveryId":"b"');
  });

  it('counts each second', async () => {
    const { deliver, url } = await serve();
    const { text } = await subscribe(url);
    deliver('a');
    deliver('b', { status: 401 });
    await eventually(text, (so) => /"received":2,"accepted":1,"refused":1,"p50":1,/.test(so));
  });

  it('takes sixteen, and more when one has left', async () => {
    const { deliver, inspector, observations, url } = await serve({ recording: false });
    const listening = [];
    for (let at = 0; at < 16; at++) listening.push(await subscribe(url));
    const refused = await subscribe(url);
    expect(refused.text()).toContain('503');
    expect(refused.text()).toContain('retry-after');
    for (const { socket } of listening) socket.destroy();
    await eventually(
      () => inspector.live.listening,
      (is) => !is,
    );
    expect(observations.began.isObserved).toBe(false);
    const again = await subscribe(url);
    deliver('z');
    await eventually(again.text, (so) => so.includes('"id":"z"'));
  });

  it('cuts off one that does not read, and tells the others on', async () => {
    const { deliver, url } = await serve();
    const slow = await subscribe(url, '?record=true');
    const quick = await subscribe(url);
    slow.socket.pause();
    // Far more than the kernel takes for a socket that nobody reads, and 4 MB on top.
    const body = Buffer.alloc(1024 * 1024, 'x');
    for (let at = 0; at < 60; at++) {
      deliver(`d${at}`, { body });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(quick.text, (so) => so.includes('"id":"d59"'), 20_000);
    const closed = once(slow.socket, 'close');
    slow.socket.resume();
    await closed;
    expect(slow.text()).not.toContain('"id":"d59"');
  });

  it('says so to one that is cut off', async () => {
    const { inspector, deliver } = await serve();
    const router = new Router();
    const stopping = new AbortController().signal;
    liveRoute(router, { inspector, version: '1', receiver: () => undefined, stopping });
    const app = new Koa();
    app.use((ctx, next) => {
      Object.defineProperty(ctx.res, 'writableLength', { get: () => 5_000_000 });
      return next();
    });
    app.use(router.routes() as Koa.Middleware);
    const { socket, text } = await subscribe(await listen(app));
    deliver('a');
    await eventually(text, (so) => so.includes('event: lag\ndata: {"waiting":5000000}'));
    expect(inspector.live.listening).toBe(false);
    deliver('b');
    socket.end();
    await once(socket, 'close');
    expect(text()).not.toContain('"id":"b"');
  });

  it('ends with the receiver, also for one that does not read, and takes nobody afterwards', async () => {
    const { inspector, url } = await serve();
    const reading = await subscribe(url);
    const stuck = await subscribe(url);
    stuck.socket.pause();
    inspector.live.end();
    expect(inspector.live.listening).toBe(false);
    await eventually(reading.text, (so) => so.endsWith('0\r\n\r\n'));
    const closed = once(stuck.socket, 'close');
    stuck.socket.resume().end();
    await closed;
    expect((await subscribe(url)).text()).toContain('503');
  });

  it('answers HEAD without a stream', async () => {
    const { ask, inspector } = await serve();
    const head = await ask('live', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    expect(inspector.live.listening).toBe(false);
  });
});
