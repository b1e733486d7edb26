import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashTagged, redisKeyPart } from '../../../src/sinks/redis/keys.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { eventually } from '../../support/receiver.js';
import { startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { eventOf, oddEvents, sinkEvent, TRACE, tracedEvent } from '../events.js';
import { type OwnRedis, ownRedis } from './server.js';
import { type RedisPlayground, redisPlayground, redisSink } from './setup.js';

const there = await requireServer('redis', 6379);
const never = (): AbortSignal => new AbortController().signal;
const URL = 'redis://127.0.0.1:6379';
const OK = { ok: true };

const sinks: Sink[] = [];
const made = (...args: Parameters<typeof redisSink>): Sink => {
  const sink = redisSink(...args);
  sinks.push(sink);
  return sink;
};
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});

describe('a redis sink’s options', () => {
  it.each([
    ['http://127.0.0.1:6379', 'url'],
    ['redis://', 'url'],
    ['redis://x:hunter2@h/name', 'url'],
    ['redis://x:hunter2@h/?family=6', 'url'],
    ['redis://x:hunter2%@h/', 'url'],
  ])('refuse %s without repeating it', (url, option) => {
    expect(() => redisSink({ url })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`^${option}: (?!.*hunter2)`)),
      }),
    );
  });

  it('refuse certificates where nothing is encrypted, and streams that cannot be tagged', () => {
    expect(() => redisSink({ url: URL, ssl: { ca: 'x' } })).toThrow('ssl: requires');
    expect(() => redisSink({ url: URL, stream: 'a}b' })).toThrow('stream: has a "}"');
    expect(() => redisSink({ url: URL, stream: 'a:{user}' })).toThrow('stream: has {user}');
  });
});

describe('a key', () => {
  it('has no part that an event could leave its place by', () => {
    expect(redisKeyPart('a:b{c}\u0000\ud800 Zoë 👩')).toBe('a_b_c___ Zoë 👩');
    expect(redisKeyPart('👩'.repeat(500))).toBe('👩'.repeat(128));
  });

  it.each([
    ['events', '{events}'],
    ['events:{track}:x', 'events:{track}:x'],
    ['a{}b{c}', undefined],
    ['a{b', '{a{b}'],
    ['a}b', undefined],
  ])('%s is in the slot of what begins with %s', (key, tagged) => {
    if (tagged === undefined) expect(() => hashTagged(key)).toThrow(TypeError);
    else expect(hashTagged(key)).toBe(tagged);
  });
});

describe.skipIf(!there)('a redis sink', () => {
  let place: RedisPlayground;
  beforeEach(() => {
    place = redisPlayground();
  });
  afterEach(async () => {
    await place.dispose();
  });

  it('writes messageId, deduplication key, type, source and the event', async () => {
    const sink = made({ url: URL, stream: place.prefix });
    const odd = oddEvents();
    await sink.deliver(odd, never());
    expect(await place.entries(place.prefix)).toEqual(
      odd.map(({ dedupeKey, event, json, messageId }) => ({
        messageId,
        dedupeKey,
        type: event.type,
        source: 'segment',
        json,
      })),
    );
  });

  it('writes the span of the delivery', async () => {
    const sink = made({ url: URL, stream: place.prefix });
    await sink.deliver([tracedEvent('a')], never());
    expect(await place.entries(place.prefix)).toMatchObject([{ messageId: 'a', ...TRACE }]);
  });

  it('puts each event into the stream that its template names', async () => {
    const sink = made({ url: URL, stream: `${place.prefix}:{type}:{event}` });
    const batch = [
      sinkEvent('a'),
      sinkEvent('b', { type: 'identify', event: null }),
      sinkEvent('c', { event: 'x:y' }),
      sinkEvent('d'),
    ];
    expect(await sink.deliver(batch, never())).toEqual([OK, OK, OK, OK]);
    const idsIn = async (stream: string) =>
      (await place.entries(`${place.prefix}:${stream}`)).map(({ messageId }) => messageId);
    expect(await idsIn('track:Order Completed')).toEqual(['a', 'd']);
    expect(await idsIn('identify:_')).toEqual(['b']);
    expect(await idsIn('track:x_y')).toEqual(['c']);
  });

  it('keeps about as many entries as it is told', async () => {
    const sink = made({ url: URL, stream: place.prefix, maxLength: 100 });
    for (let round = 0; round < 10; round++) {
      const batch = Array.from({ length: 100 }, (_, index) => sinkEvent(`${round}-${index}`));
      await sink.deliver(batch, never());
    }
    const length = await place.client.xlen(place.prefix);
    expect(length).toBeGreaterThanOrEqual(100);
    expect(length).toBeLessThan(300);
    expect((await place.entries(place.prefix)).at(-1)).toMatchObject({ messageId: '9-99' });
  });

  it.each([
    [false, 6],
    [true, 3],
  ])('repeats a batch whose answer was lost (deduplicate: %s)', async (deduplicate, entries) => {
    const relay = await startRelay(6379);
    const url = `redis://127.0.0.1:${relay.port}`;
    const sink = made({ url, stream: place.prefix, deduplicate });
    await sink.deliver([sinkEvent('before')], never());
    const batch = ['a', 'b', 'c'].map((id) => sinkEvent(id));
    relay.mute();
    const controller = new AbortController();
    const lost = sink.deliver(batch, controller.signal).catch((error: unknown) => error);
    await eventually(
      () => place.client.xlen(place.prefix),
      (length) => length === 4,
    );
    controller.abort();
    expect(await lost).toMatchObject({ retryable: true });
    relay.mend();
    expect(await sink.deliver(batch, never())).toEqual([OK, OK, OK]);
    expect(await place.client.xlen(place.prefix)).toBe(1 + entries);
    await relay.close();
  });

  it('deduplicates by the deduplication key, within a batch too, until the window ends', async () => {
    const sink = made({ url: URL, stream: place.prefix, deduplicate: true, dedupeWindow: 300 });
    const batch = [sinkEvent('a'), sinkEvent('a'), eventOf('other', 'a'), sinkEvent('b')];
    expect(await sink.deliver(batch, never())).toEqual([OK, OK, OK, OK]);
    expect(await place.client.xlen(place.prefix)).toBe(3);
    await eventually(
      () => place.client.exists(`{${place.prefix}}:seen:segment:a`),
      (exists) => exists === 0,
    );
    await sink.deliver([sinkEvent('a')], never());
    expect(await place.client.xlen(place.prefix)).toBe(4);
  });

  it('loads its script again where the server forgot it', async () => {
    const sink = made({ url: URL, stream: place.prefix, deduplicate: true });
    await sink.deliver([sinkEvent('a')], never());
    await place.client.script('FLUSH');
    expect(await sink.deliver([sinkEvent('b')], never())).toMatchObject([{ retryable: true }]);
    expect(await sink.deliver([sinkEvent('b')], never())).toEqual([OK]);
    expect(await place.client.xlen(place.prefix)).toBe(2);
  });

  it.each([false, true])(
    'refuses the one event whose stream is another kind of key (deduplicate: %s)',
    async (deduplicate) => {
      const sink = made({ url: URL, stream: `${place.prefix}:{event}`, deduplicate });
      await place.client.set(`${place.prefix}:poison`, 'a text');
      const batch = [sinkEvent('a'), sinkEvent('b', { event: 'poison' }), sinkEvent('c')];
      const refused = {
        ok: false,
        retryable: false,
        message: expect.stringContaining('WRONGTYPE'),
        farSide: expect.any(String),
      };
      expect(await sink.deliver(batch, never())).toEqual([OK, refused, OK]);
      await place.client.del(`${place.prefix}:poison`);
      // What was refused is not remembered as seen.
      expect(await sink.deliver([sinkEvent('b', { event: 'poison' })], never())).toEqual([OK]);
      expect(await place.client.xlen(`${place.prefix}:poison`)).toBe(1);
    },
  );

  it('keeps a backlog where its only stream is another kind of key', async () => {
    await place.client.set(place.prefix, 'a text');
    const sink = made({ url: URL, stream: place.prefix });
    expect(await sink.deliver([sinkEvent('a')], never())).toMatchObject([{ retryable: true }]);
    await expect(sink.check()).rejects.toThrow('WRONGTYPE');
  });

  it('writes to the database of its URL', async () => {
    const sink = made({ url: `${URL}/3`, stream: place.prefix });
    await sink.deliver([sinkEvent('a')], never());
    expect(await place.client.xlen(place.prefix)).toBe(0);
    const third = new Redis({ host: '127.0.0.1', db: 3 });
    expect(await third.xlen(place.prefix)).toBe(1);
    await third.del(place.prefix);
    third.disconnect();
    await expect(made({ url: `${URL}/999` }).check()).rejects.toThrow('no such database');
  });
});

describe.skipIf(!there)('a redis sink whose server', () => {
  let server: OwnRedis;
  let url: string;
  beforeAll(async () => {
    server = await ownRedis();
    url = `redis://127.0.0.1:${server.port}`;
  });
  afterAll(async () => {
    await server.dispose();
  });
  beforeEach(async () => {
    await server.client.flushall();
  });

  it.each([false, true])(
    'is full writes nothing of a batch, and later all of it (deduplicate: %s)',
    async (deduplicate) => {
      const sink = made({ url, deduplicate });
      await sink.open();
      await server.client.config('SET', 'maxmemory', '1');
      const batch = ['a', 'b', 'c'].map((id) => sinkEvent(id));
      const failed = { ok: false, retryable: true, message: expect.stringContaining('(OOM)') };
      expect(await sink.deliver(batch, never())).toMatchObject([failed, failed, failed]);
      await expect(sink.check()).rejects.toThrow('maxmemory');
      await server.client.config('SET', 'maxmemory', '0');
      expect(await sink.deliver(batch, never())).toEqual([OK, OK, OK]);
      expect(await server.client.xlen('events')).toBe(3);
    },
  );

  it('becomes a replica keeps its backlog', async () => {
    const sink = made({ url });
    await sink.deliver([sinkEvent('a')], never());
    await server.client.replicaof('127.0.0.1', 1);
    expect(await sink.deliver([sinkEvent('b')], never())).toMatchObject([
      { retryable: true, message: expect.stringContaining('READONLY') },
    ]);
    await expect(sink.check()).rejects.toThrow('connect to the primary');
    await server.client.replicaof('NO', 'ONE');
    expect(await sink.deliver([sinkEvent('b')], never())).toEqual([OK]);
  });

  it('refuses its user says so, and keeps its backlog', async () => {
    const { host } = new globalThis.URL(url);
    const as = (user: string, password = 's3cret-word'): string =>
      `redis://${user}:${encodeURIComponent(password)}@${host}`;
    const rights = ['on', '>s3cret-word', '~events', '~{events}*'];
    await server.client.acl('SETUSER', 'reader', ...rights, '+@read', '+multi', '+exec');
    const writes = ['+xadd', '+multi', '+exec'];
    await server.client.acl('SETUSER', 'writer', ...rights, ...writes);
    const scripts = ['+evalsha', '+script|load', '+exists', '+set'];
    await server.client.acl('SETUSER', 'scripter', ...rights, ...writes, ...scripts);

    for (const [sink, problem] of [
      [made({ url: as('reader') }), 'NOPERM'],
      [made({ url: as('writer'), stream: 'others' }), 'NOPERM'],
      [made({ url: as('writer'), deduplicate: true }), 'NOPERM'],
      [made({ url: as('writer', 'wrong-word') }), 'rejected the user or password (WRONGPASS)'],
      [made({ url: `redis://:s3cret-word@${host}` }), 'remove the password from url'],
    ] as const) {
      const error: unknown = await sink.check().catch((each: unknown) => each);
      expect(error).toMatchObject({ retryable: true });
      expect(String(error)).toContain(problem);
      expect(String(error)).not.toMatch(/-word|writer|reader/);
    }
    // These are all the rights that either needs.
    for (const sink of [
      made({ url: as('writer') }),
      made({ url: as('scripter'), deduplicate: true }),
    ]) {
      await sink.check();
      expect(await sink.deliver([sinkEvent('a')], never())).toEqual([OK]);
    }
    expect(await server.client.xlen('events')).toBe(2);
  });

  it('asks for a password says so', async () => {
    await server.client.config('SET', 'requirepass', 'a-long-password');
    const sink = made({ url });
    await expect(sink.check()).rejects.toThrow('NOAUTH');
    await made({ url: url.replace('://', '://:a-long-password@') }).check();
    await server.client.config('SET', 'requirepass', '');
  });

  it('is killed in the middle neither loses nor doubles with deduplicate', async () => {
    const sink = made({ url, deduplicate: true });
    const batches = Array.from({ length: 60 }, (_, batch) =>
      Array.from({ length: 50 }, (_each, index) => sinkEvent(`${batch}-${index}`)),
    );
    let failures = 0;
    for (const [number, batch] of batches.entries()) {
      const restarted = number % 20 === 10 ? server.restart() : undefined;
      await eventually(
        async () => {
          const results = await sink.deliver(batch, never()).catch((error: unknown) => [error]);
          if (results.every((result) => Object(result).ok === true)) return true;
          failures++;
          expect(results).toEqual(results.map(() => expect.objectContaining({ retryable: true })));
          return false;
        },
        (delivered) => delivered,
      );
      await restarted;
    }
    expect(failures).toBeGreaterThan(2);
    const entries = await server.client.xrange('events', '-', '+');
    const ids = entries.map(([, fields]) => fields[1]);
    expect(ids).toEqual(batches.flat().map(({ messageId }) => messageId));
  });

  it('is gone lets itself be closed', async () => {
    const sink = made({ url });
    await sink.open();
    await server.kill();
    await expect(sink.check()).rejects.toThrow(/closed|refuses/);
    await sink.close();
    await server.start();
  });
});

describe.skipIf(!there)('a redis sink on a node of a cluster', () => {
  let server: OwnRedis;
  beforeAll(async () => {
    server = await ownRedis(['--cluster-enabled', 'yes']);
  });
  // Also where the test fails: a server that is left over outlives the run.
  afterAll(async () => {
    await server.dispose();
  });

  it('has what belongs together in one slot, whatever the stream', async () => {
    await server.client.call('CLUSTER', ['ADDSLOTSRANGE', '0', '16383']);
    const url = `redis://127.0.0.1:${server.port}`;
    const batch = [sinkEvent('a'), sinkEvent('b', { type: 'page', event: '{x}' })];
    for (const stream of ['events', 'of-{type}', '{{type}}:{event}']) {
      const sink = made({ url, stream, deduplicate: true });
      await eventually(
        () => sink.check().then(() => 'up', String),
        (state) => state === 'up',
      );
      expect(await sink.deliver(batch, never()), stream).toEqual([OK, OK]);
      expect(await sink.deliver(batch, never()), stream).toEqual([OK, OK]);
    }
    const streams = ['events', 'of-track', 'of-page', '{track}:Order Completed', '{page}:_x_'];
    const lengths = streams.map((stream) => server.client.xlen(stream));
    expect(await Promise.all(lengths)).toEqual([2, 1, 1, 1, 1]);
  });
});
