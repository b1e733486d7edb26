import Koa from 'koa';
import { describe, expect, it, vi } from 'vitest';
import { TrackbridgeError } from '../../src/core/errors.js';
import { createIngestRoutes } from '../../src/ingest/routes.js';
import { rawConnection } from '../http/sockets.js';
import { harness, openSource } from './harness.js';
import { listen, serve } from './serve.js';

describe('the path of a source', () => {
  it('is text, whatever its characters mean in a pattern', async () => {
    const { statusOf } = await serve([openSource({ path: '/a.b(c)+:id*$' })]);
    expect(await statusOf('/a.b(c)+:id*$')).toBe(200);
    for (const path of ['/axb(c)+:id*$', '/a.bc', '/a.b(c)+:other*$', '/a.b']) {
      expect(await statusOf(path), path).toBe(404);
    }
  });

  it('may begin and end in slashes, as joined addresses do, and is otherwise whole', async () => {
    const { statusOf, ask } = await serve([openSource({ path: '/in' })]);
    for (const path of ['/in/', '/in?a=1', '//in', '///in', '/in//', '//in/?a=1']) {
      expect(await statusOf(path), path).toBe(200);
    }
    expect((await ask('//livez')).status).toBe(200);
    for (const path of ['/in/x', '/inx', '/IN', '/x/in', '/', '//', '//x', '/x//in']) {
      expect(await statusOf(path), path).toBe(404);
    }
  });

  it('may be the root, beside health', async () => {
    const { statusOf, store } = await serve([openSource({ type: 'rudderstack', path: '/' })]);
    expect(await statusOf('/')).toBe(200);
    expect(await statusOf('/track/Order%20Completed?a=1', 'GET')).toBe(200);
    expect(store.events[1]).toMatchObject({ type: 'track', event: 'Order Completed' });
    // A path that names no event type says nothing about the event: appendPath, pathParams.
    expect(await statusOf('/nothing', 'GET')).toBe(200);
    expect(await statusOf('/livez', 'GET')).toBe(200);
    expect(await statusOf('/readyz', 'GET')).toBe(200);
  });

  it.each(['/', '/rs'])('may be joined to what comes below by two slashes: %s', async (path) => {
    const { statusOf, store } = await serve([openSource({ type: 'rudderstack', path })]);
    expect(await statusOf(`${path}//track//A?a=1`.replace('///', '//'), 'GET')).toBe(200);
    expect(store.events).toMatchObject([{ type: 'track', event: 'A', properties: { a: '1' } }]);
  });

  it('with something below does not take its neighbours', async () => {
    const rudderstack = openSource({ type: 'rudderstack', path: '/rs' }, 'below');
    const { statusOf, store } = await serve([rudderstack, openSource({ path: '/rst' }, 'beside')]);
    expect(await statusOf('/rs/track/A', 'GET')).toBe(200);
    expect(await statusOf('/rst')).toBe(200);
    expect(await statusOf('/rstu')).toBe(404);
    const sources = store.events.map(({ receipt }) => (receipt as { source: string }).source);
    expect(sources).toEqual(['below', 'beside']);
  });

  it('may be asked for by a whole URL, as proxies do', async () => {
    const { port, store } = await serve([openSource({ path: '/in' })]);
    const connection = await rawConnection(port);
    connection.write(
      'POST http://other.example/in HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 16\r\n\r\n{"type":"track"}',
    );
    expect(await connection.closed()).toContain('"accepted":1');
    expect(store.events).toHaveLength(1);
  });

  it('that is not valid percent-encoding names no event below a source and is a 404 elsewhere', async () => {
    const { port } = await serve([openSource({ type: 'rudderstack', path: '/rs' })]);
    for (const [path, status] of [
      ['/rs/track/%zz', 200],
      ['/%zz', 404],
    ] as const) {
      const connection = await rawConnection(port);
      connection.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      const text = await connection.closed();
      expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(text.includes('application/problem+json')).toBe(status === 404);
    }
  });
});

describe('a request target that is no URL', () => {
  it.each(['http://[::bad/x', 'http://[::1/in', 'http://'])(
    'is the sender’s fault, with an id: %s',
    async (target) => {
      const { port, lines } = await serve([openSource({ path: '/in' })]);
      const connection = await rawConnection(port);
      connection.write(`POST ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      const text = await connection.closed();
      expect(text).toMatch(/^HTTP\/1.1 400 /);
      expect(text).toContain('application/problem+json');
      expect(text).toMatch(/\r\nx-request-id: /i);
      expect(lines()).toMatchObject([{ level: 'warn', code: 'REQUEST_MALFORMED', status: 400 }]);
    },
  );
});

describe('two lines of Host', () => {
  it.each(['host: x\r\nhost: x', 'Host: a\r\nhOST: b'])('are refused: %j', async (hosts) => {
    const { port, store, lines } = await serve([openSource({ path: '/in' })]);
    const connection = await rawConnection(port);
    connection.write(
      `POST /in HTTP/1.1\r\n${hosts}\r\nconnection: close\r\ncontent-length: 16\r\n\r\n{"type":"track"}`,
    );
    const text = await connection.closed();
    expect(text).toMatch(/^HTTP\/1.1 400 [\s\S]*application\/problem\+json/);
    expect(store.deliveries).toEqual([]);
    expect(lines()).toMatchObject([{ code: 'REQUEST_MALFORMED' }]);
  });
});

describe('a path of no source', () => {
  it('is a problem that shows nothing of the path, which may hold a secret', async () => {
    const { ask, lines } = await serve([openSource({ path: '/in' })]);
    const response = await ask('/in/correct-horse-battery?secret=staple');
    expect(response.status).toBe(404);
    expect(await response.text()).not.toMatch(/horse|staple/);
    expect(JSON.stringify(lines())).not.toMatch(/horse|staple/);
    expect(lines()).toMatchObject([{ code: 'NOT_FOUND', path: '/***/***' }]);
  });

  it('is left to the application that the routes are mounted in', async () => {
    const h = harness();
    const app = new Koa();
    app.use(createIngestRoutes([openSource({ path: '/in' })], h.deps));
    app.use((ctx) => {
      ctx.body = 'the host';
    });
    const port = await listen(app);
    const text = async (path: string): Promise<string> =>
      await (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: '[]' })).text();
    expect(await text('/elsewhere')).toBe('the host');
    expect(await text('/in')).toContain('"status":"accepted"');
  });
});

describe('a method', () => {
  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY', 'LOCK', 'TRACE'])(
    'such as %s is a 405 that says what is allowed',
    async (method) => {
      const { port } = await serve([openSource({ path: '/in' })]);
      const connection = await rawConnection(port);
      connection.write(`${method} /in HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      const text = await connection.closed();
      // What Node's parser of this version does not know is not HTTP to it.
      if (method === 'QUERY' && text.startsWith('HTTP/1.1 400')) return;
      expect(text).toMatch(/^HTTP\/1.1 405 /);
      expect(text).toMatch(/\r\nallow: POST, PUT, PATCH\r\n/i);
      expect(text).toMatch(/\r\nx-request-id: /i);
    },
  );
});

describe('an answer', () => {
  it('says what became of the events, and never more of an error of ours than that', async () => {
    const { ask, store, lines } = await serve([openSource({ path: '/in' })]);
    const post = (): Promise<Response> => ask('/in', { method: 'POST', body: '{"type":"track"}' });
    const taken = await post();
    expect(taken.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await taken.json()).toEqual({
      status: 'accepted',
      accepted: 1,
      duplicates: 0,
      quarantined: 0,
    });

    store.onAppend = async () => {
      throw new TypeError('a bug at /home/me with a-secret');
    };
    const failed = await post();
    expect(failed.status).toBe(503);
    expect(failed.headers.get('retry-after')).toBe('1');
    const text = await failed.text();
    expect(text).not.toContain('/home');
    expect(text).not.toContain('a-secret');
    const requestId = failed.headers.get('x-request-id');
    expect(lines().find((line) => line['requestId'] === requestId)).toMatchObject({
      level: 'error',
      err: { message: 'a bug at /home/me with a-secret' },
    });
  });

  it('of a refusal is logged with its code, its cause and no payload', async () => {
    const { ask, store, lines } = await serve([openSource({ path: '/in' })]);
    store.onAppend = async () => {
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'it failed', { cause: new Error('ENOSPC') });
    };
    await ask('/in', { method: 'POST', body: '{"type":"track","event":"a payload"}' });
    await ask('/in', { method: 'POST', body: '{"a payload' });
    const [failure, refusal] = lines();
    expect(failure).toMatchObject({
      level: 'error',
      code: 'OUTBOX_UNAVAILABLE',
      cause: 'ENOSPC',
      status: 503,
      source: 'open',
    });
    expect(refusal).toMatchObject({ level: 'warn', code: 'BODY_MALFORMED', status: 400 });
    expect(JSON.stringify(lines())).not.toContain('a payload');
  });

  it('is counted by source and outcome', async () => {
    const { statusOf, metrics, state } = await serve([openSource({ path: '/in' })]);
    await statusOf('/in');
    await statusOf('/in', 'DELETE');
    state.draining = true;
    await statusOf('/in');
    const text = await metrics.render({ pending: 0, inQuarantine: 0, sinks: [] });
    for (const outcome of ['accepted', 'not_allowed', 'unavailable']) {
      expect(text).toContain(
        `trackbridge_deliveries_total{source="open",outcome="${outcome}"} 1\n`,
      );
    }
  });

  it('is not counted where nothing could be delivered: HEAD, and the preflight of a browser', async () => {
    const cors = { origins: ['*'] };
    const { ask, metrics } = await serve([
      openSource({ type: 'rudderstack', path: '/in', cors }, 'open'),
    ]);
    expect((await ask('/in/track/A', { method: 'HEAD' })).status).toBe(200);
    expect((await ask('/in/nothing', { method: 'HEAD' })).status).toBe(200);
    expect((await ask('/in', { method: 'OPTIONS' })).status).toBe(204);
    const counted = async () => {
      const text = await metrics.render({ pending: 0, inQuarantine: 0, sinks: [] });
      const lines = text.split('\n').filter((line) => /^trackbridge_deliver\w+total\{/.test(line));
      return lines.filter((line) => !line.endsWith(' 0'));
    };
    expect(await counted()).toEqual([]);
    expect((await ask('/in/track/A')).status).toBe(200);
    expect(await counted()).toEqual([
      'trackbridge_deliveries_total{source="open",outcome="accepted"} 1',
    ]);
  });

  it('to a sender that hangs up in the middle is counted as that', async () => {
    const { port, metrics, lines } = await serve([openSource({ path: '/in' })]);
    const connection = await rawConnection(port);
    connection.write('POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"type"');
    connection.socket.end();
    await vi.waitFor(() => expect(lines()).toMatchObject([{ code: 'BODY_ABORTED' }]));
    const text = await metrics.render({ pending: 0, inQuarantine: 0, sinks: [] });
    expect(text).toContain('trackbridge_deliveries_total{source="open",outcome="aborted"} 1\n');
    expect(text).toContain('outcome="undecodable"} 0');
  });

  it('may be read by the origins of the source, also where it is an error', async () => {
    const cors = { origins: ['https://app.example'] };
    const { ask } = await serve([openSource({ path: '/in', cors })]);
    const headers = { origin: 'https://app.example' };
    for (const body of ['[]', '{']) {
      const response = await ask('/in', { method: 'POST', headers, body });
      expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example');
    }
    const preflight = await ask('/in', { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('x-request-id')).not.toBeNull();
  });
});

describe('health', () => {
  it('is a 503 with a time to come again where the outbox takes nothing', async () => {
    const { ask, store, lines } = await serve([openSource()]);
    store.onProbe = async () => {
      throw new TrackbridgeError('OUTBOX_FULL', 'the outbox is full', { retryAfter: 5000 });
    };
    const response = await ask('/readyz');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(lines()).toMatchObject([{ source: 'health', code: 'OUTBOX_FULL' }]);
  });

  it.each(['/livez', '/readyz'])('takes GET and HEAD, and says so: %s', async (path) => {
    const { ask, statusOf } = await serve([openSource()]);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await ask(path, { method });
      expect(response.status, method).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(response.headers.get('x-request-id')).not.toBeNull();
    }
    expect(await statusOf(path, 'HEAD')).toBe(200);
  });

  it('of a source on the root is still health', async () => {
    const { ask, store } = await serve([openSource({ type: 'rudderstack', path: '/' })]);
    expect((await ask('/livez', { method: 'POST', body: '{"type":"track"}' })).status).toBe(405);
    expect(store.deliveries).toEqual([]);
  });
});

describe('a middleware mounted after a body parser', () => {
  it('says so, and lets the sender come again', async () => {
    const h = harness();
    const app = new Koa();
    app.use(async (ctx, next) => {
      for await (const _chunk of ctx.req);
      await next();
    });
    app.use(createIngestRoutes([openSource({ path: '/in' })], h.deps));
    const append = vi.spyOn(h.store, 'append');
    const port = await listen(app);
    const response = await fetch(`http://127.0.0.1:${port}/in`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(503);
    expect(((await response.json()) as { detail: string }).detail).toContain('body parser');
    expect(append).not.toHaveBeenCalled();
  });
});
