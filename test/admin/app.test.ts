import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AdminDeps } from '../../src/admin/app.js';
import { TrackbridgeError } from '../../src/core/errors.js';
import { rawConnection } from '../http/sockets.js';
import { claim, newEvent, newQuarantined, settle } from '../outbox/samples.js';
import { close } from './listen.js';
import { serveAdmin } from './serve.js';

afterEach(close);

const FAR = {
  name: 'far',
  state: 'backing-off',
  lastError: 'refused',
  failuresInARow: 7,
  circuit: 'open',
  circuitSince: 1_700_000_000_000,
  nextProbeInMs: 12_000,
} as const;

function serve(changes: Partial<AdminDeps> = {}) {
  return serveAdmin([{ name: 'far' }], {
    sourceStates: () => [{ name: 'shop', authentication: 'authenticated', refused: 0 }],
    sinkStates: () => new Map([['far', FAR]]),
    ...changes,
  });
}

type Serving = Awaited<ReturnType<typeof serve>>;

async function deadLetter({ outbox, clock }: Serving, messageId: string): Promise<void> {
  const json = JSON.stringify({ type: 'track', messageId });
  await outbox.append({ events: [newEvent(messageId, { json })], quarantined: [] });
  const consumer = outbox.consumer('far', 1);
  const [claimed] = await claim(consumer, 0, 1);
  const attempt = { at: clock.now(), error: 'it answered 400' };
  await settle(consumer, [{ id: String(claimed?.id), outcome: 'dead', attempt }]);
  await consumer.close();
}

describe('every answer of the admin listener', () => {
  it('has an id, is not kept by caches and runs nothing in a browser', async () => {
    const { ask } = await serve();
    for (const path of ['/livez', '/readyz', '/api/stats', '/nowhere']) {
      expect(Object.fromEntries((await ask(path)).headers), path).toMatchObject({
        'x-request-id': 'the-id',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'content-security-policy':
          "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
      });
    }
  });

  it('asks for the token first, also at paths that are not there, but not for health', async () => {
    const { ask, lines } = await serve({ credentials: { token: 'the-token-of-the-admin' } });
    for (const path of ['/api/stats', '/metrics', '/event.schema.json', '/nowhere']) {
      const response = await ask(path);
      expect(response.status, path).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect((await ask('/livez')).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(200);
    expect(JSON.stringify(lines())).not.toContain('the-token');
  });

  it('at a path that is not there is a 404', async () => {
    const { ask } = await serve();
    for (const path of ['/inspector/', '/nowhere', '/config.schema.json', '/..%2fpackage.json']) {
      const response = await ask(path);
      expect(response.status, path).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
  });

  it('to an error that is not ours says nothing of it, and logs it', async () => {
    const serving = await serve();
    vi.spyOn(serving.outbox, 'stats').mockRejectedValue(new Error('a-secret at /home'));
    const response = await serving.ask('/api/stats');
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('a-secret');
    expect(serving.lines().at(-1)).toMatchObject({
      level: 'error',
      listener: 'admin',
      requestId: 'the-id',
      err: { message: 'a-secret at /home' },
    });
  });
});

describe('a list', () => {
  it('shows an entry that the disk garbled as its text, and every other', async () => {
    const { ask, outbox, clock } = await serve();
    await outbox.append({
      events: [newEvent('m-1', { json: '{"messageId":"m-' }), newEvent('m-2')],
      quarantined: [newQuarantined({ raw: '{"a"' }), newQuarantined()],
    });
    const consumer = outbox.consumer('far', 1);
    const attempt = { at: clock.now(), error: 'no' };
    const claimed = await claim(consumer, 0, 2);
    await settle(
      consumer,
      claimed.map(({ id }) => ({ id, outcome: 'dead', attempt })),
    );
    const letters = await (await ask('/api/dead-letters?payload=true')).json();
    expect(letters).toMatchObject([
      { messageId: null, event: '{"messageId":"m-' },
      { messageId: 'm-2', event: { messageId: 'm-2' } },
    ]);
    const entries = await (await ask('/api/quarantine?payload=true')).json();
    expect(entries).toMatchObject([{ event: '{"a"' }, { event: { a: 1 } }]);
  });

  it('shows nothing of an event, nor what the far side said of it, unless asked', async () => {
    const serving = await serve();
    const { ask, outbox, clock } = serving;
    const canary = 'canary-in-the-payload';
    const json = JSON.stringify({ type: 'track', messageId: 'm-1', properties: { canary } });
    await outbox.append({
      events: [newEvent('m-1', { json })],
      quarantined: [newQuarantined({ raw: JSON.stringify({ canary }) })],
    });
    const consumer = outbox.consumer('far', 1);
    const [claimed] = await claim(consumer, 0, 1);
    // Where a message of ours ends is no matter of its text.
    const error = 'answered 400 Bad Request, saying: nothing of use';
    const attempt = { at: clock.now(), error, farSide: `{"you sent":"${canary}"}` };
    await settle(consumer, [{ id: String(claimed?.id), outcome: 'dead', attempt }]);
    await consumer.close();
    const said = async (path: string): Promise<string> => await (await ask(path)).text();
    for (const path of ['/api/stats', '/metrics', '/api/dead-letters', '/api/quarantine']) {
      expect(await said(path), path).not.toContain(canary);
    }
    const [dead] = JSON.parse(await said('/api/dead-letters')) as { id: string; error: string }[];
    expect(dead?.error).toBe(error);
    for (const path of [
      'dead-letters?payload=true',
      `dead-letters/${dead?.id}`,
      'quarantine?payload=true',
    ]) {
      expect(await said(`/api/${path}`), path).toContain(canary);
    }
  });
});

describe('a method that a path of the admin API does not take', () => {
  it.each([
    ['DELETE', '/api/stats', 'GET'],
    ['POST', '/metrics', 'GET'],
    ['PUT', '/api/dead-letters', 'GET'],
    ['DELETE', '/api/quarantine/replay', 'POST'],
    ['POST', '/readyz', 'GET'],
  ])('is a 405 that says what is allowed: %s %s', async (method, path, allowed) => {
    const { ask } = await serve();
    const response = await ask(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')?.split(', ')).toContain(allowed);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('x-request-id')).toBe('the-id');
  });
});

describe('while the outbox hangs', () => {
  const hung = () => new Promise<never>(() => undefined);
  afterEach(() => vi.restoreAllMocks());

  it.each([
    ['GET', '/api/stats'],
    ['HEAD', '/api/stats'],
    ['GET', '/metrics'],
    ['GET', '/api/dead-letters'],
    ['GET', '/api/quarantine'],
    ['GET', '/api/quarantine/1'],
  ])('%s %s is given up after five seconds, with 503', async (method, path) => {
    const { ask, outbox } = await serve();
    for (const read of ['list', 'get'] as const) {
      vi.spyOn(outbox.quarantine, read).mockImplementation(hung);
      vi.spyOn(outbox.deadLetters, read).mockImplementation(hung);
    }
    const over = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(over.signal);
    const asked = [
      vi.spyOn(outbox, 'stats').mockImplementation(hung),
      vi.mocked(outbox.quarantine.list),
      vi.mocked(outbox.quarantine.get),
      vi.mocked(outbox.deadLetters.list),
    ];
    const answer = ask(path, { method });
    await vi.waitFor(() => {
      expect(asked.some(({ mock }) => mock.calls.length > 0)).toBe(true);
    });
    const limits = timeout.mock.calls.flat();
    expect(limits.length).toBeGreaterThan(0);
    expect(Math.max(...limits)).toBeLessThanOrEqual(5_000);
    over.abort();
    const response = await answer;
    expect(response.status).toBe(503);
    if (method === 'HEAD') return;
    expect(await response.json()).toMatchObject({ type: 'urn:trackbridge:outbox-unavailable' });
  });

  it('scrapes share one reading, and the next one after it reads again', async () => {
    const uuid = vi.fn(() => 'the-id');
    const { ask, outbox } = await serve({ uuid });
    const empty = await outbox.stats();
    let answer = (): void => undefined;
    const stats = vi.spyOn(outbox, 'stats').mockImplementation(
      () =>
        new Promise((resolve) => {
          answer = () => resolve(empty);
        }),
    );
    const scrapes = ['/metrics', '/api/stats', '/metrics', '/api/stats', '/metrics'].map((path) =>
      ask(path),
    );
    // A request gets its id first; it asks the outbox in the same turn of the event loop.
    await vi.waitFor(() => expect(uuid).toHaveBeenCalledTimes(5));
    expect(stats).toHaveBeenCalledTimes(1);
    answer();
    for (const scrape of scrapes) expect((await scrape).status).toBe(200);
    const next = ask('/api/stats');
    await vi.waitFor(() => expect(stats).toHaveBeenCalledTimes(2));
    answer();
    expect((await next).status).toBe(200);
  });
});

describe('a request target that is no URL', () => {
  it.each(['http://[::1/livez', 'http://'])('is the caller’s fault: %s', async (target) => {
    const { url, lines } = await serve();
    const connection = await rawConnection(Number(new URL(url).port));
    connection.write(`GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    expect(await connection.closed()).toMatch(/^HTTP\/1.1 400 /);
    expect(lines().at(-1)).toMatchObject({ level: 'warn', code: 'REQUEST_MALFORMED', status: 400 });
  });
});

describe('a body of the admin API', () => {
  const headers = { 'content-type': 'application/json' };
  const path = '/api/dead-letters/purge';

  it.each([
    ['that is no JSON', '{"all":', headers, 400],
    ['that is no object', '5', headers, 400],
    ['that is empty', '', headers, 400],
    ['that is too large', JSON.stringify({ ids: ['x'.repeat(2_000_000)] }), headers, 413],
    ['of an unknown coding', '{}', { ...headers, 'content-encoding': 'zstd' }, 415],
    ['of broken gzip', 'no gzip', { ...headers, 'content-encoding': 'gzip' }, 400],
  ])('is the caller’s fault: %s', async (_what, body, head, status) => {
    const { ask, lines } = await serve();
    const response = await ask(path, { method: 'POST', headers: head, body });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(lines().filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('may be compressed', async () => {
    const { ask } = await serve();
    const body = new Uint8Array(gzipSync('{"all":true}'));
    const head = { ...headers, 'content-encoding': 'gzip' };
    expect((await ask(path, { method: 'POST', headers: head, body })).status).toBe(200);
  });
});

describe('stats', () => {
  it('are what the outbox counts and what the dispatcher says of each sink', async () => {
    const serving = await serve();
    const { outbox, clock, ask } = serving;
    const receivedAt = clock.now();
    await outbox.append({
      events: [newEvent('m-1', { receivedAt }), newEvent('m-1', { receivedAt })],
      quarantined: [newQuarantined()],
    });
    await clock.advance(1500);
    expect(await (await ask('/api/stats')).json()).toEqual({
      accepted: 1,
      former: [],
      duplicates: 1,
      quarantined: 1,
      inQuarantine: 1,
      pending: 1,
      sources: [{ name: 'shop', authentication: 'authenticated', refused: 0 }],
      sinks: [
        {
          name: 'far',
          pending: 1,
          oldestAgeMs: 1500,
          delivered: 0,
          filtered: 0,
          missed: 0,
          discarded: 0,
          maxPending: 100,
          full: 'refuse',
          deadLetters: 0,
          state: 'backing-off',
          lastError: 'refused',
          failuresInARow: 7,
          circuit: 'open',
          circuitSince: '2023-11-14T22:13:20.000Z',
          nextProbeInMs: 12_000,
        },
      ],
    });
  });

  it('and metrics know no negative age, though the clock was set back', async () => {
    const { outbox, clock, ask } = await serve();
    const receivedAt = clock.now() + 60_000;
    await outbox.append({ events: [newEvent('m-1', { receivedAt })], quarantined: [] });
    expect(await (await ask('/api/stats')).json()).toMatchObject({ sinks: [{ oldestAgeMs: 0 }] });
    const response = await ask('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await response.text()).toContain(
      'trackbridge_sink_oldest_pending_seconds{sink="far"} 0\n',
    );
  });
});

describe('dead letters', () => {
  it('are listed by what they are, and shown with every attempt', async () => {
    const serving = await serve();
    await deadLetter(serving, 'm-1');
    const at = new Date(serving.clock.now()).toISOString();
    const listed = (await (await serving.ask('/api/dead-letters?name=far')).json()) as object[];
    expect(listed).toEqual([
      {
        id: expect.any(String),
        sink: 'far',
        at,
        messageId: 'm-1',
        type: 'track',
        attemptCount: 1,
        error: 'it answered 400',
      },
    ]);
    const [{ id }] = listed as [{ id: string }];
    expect(await (await serving.ask(`/api/dead-letters/${id}`)).json()).toMatchObject({
      event: { type: 'track', messageId: 'm-1' },
      attempts: [{ at, error: 'it answered 400' }],
    });
  });

  it('that are replayed are pending again', async () => {
    const serving = await serve();
    await deadLetter(serving, 'm-1');
    const response = await serving.post('/api/dead-letters/replay', { all: true });
    expect(await response.json()).toEqual({ replayed: 1, remaining: 0, errors: [] });
    const stats = await serving.outbox.stats();
    expect(stats.sinks).toMatchObject([{ pending: 1, deadLetters: 0 }]);
  });
});

describe('quarantined events', () => {
  it('are shown with the reason and the delivery', async () => {
    const { outbox, ask } = await serve();
    await outbox.append({ events: [], quarantined: [newQuarantined()] });
    const listed = (await (await ask('/api/quarantine?payload=true')).json()) as object[];
    expect(listed).toMatchObject([
      {
        source: 'segment',
        reason: 'invalid',
        errors: [{ path: '/type', message: 'is missing' }],
        event: { a: 1 },
        delivery: { vendor: 'segment' },
      },
    ]);
  });

  it('are replayed one by one: what still is not valid does not stop the others', async () => {
    const replayQuarantined = vi.fn(async ({ raw }: { raw: string }) => {
      if (raw === '2') throw new TrackbridgeError('EVENT_INVALID', 'still not valid');
    });
    const { outbox, post } = await serve({ replayQuarantined });
    const quarantined = ['1', '2', '3'].map((raw) => newQuarantined({ raw }));
    await outbox.append({ events: [], quarantined });
    const response = await post('/api/quarantine/replay', { all: true });
    expect(await response.json()).toEqual({
      replayed: 2,
      remaining: 1,
      errors: [expect.stringMatching(/: still not valid$/)],
    });
    expect(replayQuarantined).toHaveBeenCalledTimes(3);
  });
});
