import { createHash } from 'node:crypto';
import { DiscardPolicy } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { msgIdOf, subjectsOf } from '../../../src/sinks/nats/subject.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { eventually } from '../../support/receiver.js';
import { startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { oddEvents, sinkEvent, TRACE, tracedEvent } from '../events.js';
import { type OwnNats, ownNats } from './server.js';
import { type NatsPlayground, natsPlayground, natsSink } from './setup.js';

const there = await requireServer('nats', 4222);
const never = (): AbortSignal => new AbortController().signal;
const SERVERS = 'nats://127.0.0.1:4222';
const OK = { ok: true };

const sinks: Sink[] = [];
const made = (...args: Parameters<typeof natsSink>): Sink => {
  const sink = natsSink(...args);
  sinks.push(sink);
  return sink;
};
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});

describe('a nats sink’s options', () => {
  it.each([
    [{ servers: 'http://127.0.0.1' }, 'servers: must'],
    [{ servers: 'nats://me:hunter2@127.0.0.1' }, 'servers: put'],
    [{ subject: 'a..b' }, 'subject: must'],
    [{ subject: 'a.*' }, 'subject: must'],
    [{ subject: 'a.{user}' }, 'subject: has {user}'],
    [{ createStream: true }, 'createStream: requires stream'],
    [{ stream: 's', jetstream: false }, 'stream: requires jetstream'],
    [{ credentials: { user: 'u', token: 'hunter2' } }, 'credentials: set'],
    [{ credentials: { pass: 'hunter2' } }, 'credentials: pass requires'],
    [{ credentials: { creds: 'hunter2' } }, 'credentials: creds must be'],
  ])('refuse %j', (options, problem) => {
    expect(() => natsSink({ servers: SERVERS, ...options })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`^${problem}(?!.*hunter2)`)),
      }),
    );
  });
});

describe('Nats-Msg-Id', () => {
  it('is the deduplication key, or its hash where a header cannot hold it', () => {
    expect(msgIdOf('a b:{c}')).toBe('a b:{c}');
    const hashes = ['a\nb', 'a\rb', ' a', 'a ', 'Zoë', '\ud800', '\udfff'].map(msgIdOf);
    expect(new Set(hashes).size).toBe(7);
    for (const hash of hashes) expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    const expected = createHash('sha256').update('Zoë', 'utf16le').digest('hex');
    expect(msgIdOf('Zoë')).toBe(`sha256:${expected}`);
  });
});

it('a template’s stream takes all subjects that it makes', () => {
  expect(subjectsOf('a.{type}.b-{event}.c')).toBe('a.*.*.c');
});

describe.skipIf(!there)('a nats sink', () => {
  let place: NatsPlayground;
  let own: { servers: string; stream: string; subject: string; createStream: true };
  beforeEach(async () => {
    place = await natsPlayground();
    const subject = `${place.stream}.{type}.{event}`;
    own = { servers: SERVERS, stream: place.stream, subject, createStream: true };
  });
  afterEach(async () => {
    await place.dispose();
  });

  it('creates its stream on request, and leaves one alone that is there', async () => {
    const sink = made({ ...own, dedupeWindow: 600_000 });
    await sink.check();
    expect(await place.manager.streams.info(place.stream).catch(() => 'none')).toBe('none');
    await sink.open();
    const { config } = await place.manager.streams.info(place.stream);
    expect(config).toMatchObject({
      subjects: [`${place.stream}.*.*`],
      duplicate_window: 600e9,
      storage: 'file',
    });
    const other = made(own);
    await other.open();
    expect((await place.manager.streams.info(place.stream)).config).toEqual(config);
  });

  it('carries the span of the delivery in its headers', async () => {
    await made(own).deliver([tracedEvent('a')], never());
    const { traceparent } = TRACE;
    expect(await place.stored()).toMatchObject([{ msgId: 'segment:a', traceparent }]);
  });

  it('names the subject by the event, its id and content in headers', async () => {
    const sink = made(own);
    const clouds = made(own, { format: 'cloudevents' });
    const batch = [
      sinkEvent('a', { event: 'x.y > *' }),
      sinkEvent('b', { type: 'identify', event: null }),
      sinkEvent('c\n', { event: '$JS' }),
    ];
    expect(await sink.deliver(batch, never())).toEqual([OK, OK, OK]);
    await clouds.deliver([sinkEvent('d')], never());
    const stored = [...(await place.stored())].sort((a, b) => (a.json < b.json ? -1 : 1));
    const by = (id: string) => stored.find(({ json }) => JSON.parse(json).messageId === id);
    const contentType = 'application/json';
    expect(by('a')).toMatchObject({
      subject: `${place.stream}.track.x_y____`,
      msgId: 'segment:a',
      contentType,
    });
    expect(by('b')).toMatchObject({ subject: `${place.stream}.identify._`, msgId: 'segment:b' });
    expect(by('c\n')).toMatchObject({
      subject: `${place.stream}.track._JS`,
      msgId: msgIdOf('segment:c\n'),
    });
    expect(by('d')).toMatchObject({ contentType: 'application/cloudevents+json' });
  });

  it('finds the one server of its list that runs, wherever it stands', async () => {
    // Nothing listens on these. The driver shuffles the list, so once could be luck.
    const servers = ['nats://127.0.0.1:1', 'nats://127.0.0.1:2', SERVERS];
    for (let time = 0; time < 10; time++) await made({ ...own, servers }).open();
  });

  it('stores a batch once whose answer was lost', async () => {
    const relay = await startRelay(4222);
    const sink = made({ ...own, servers: `nats://127.0.0.1:${relay.port}` });
    await sink.deliver([sinkEvent('before')], never());
    const batch = ['a', 'b', 'c'].map((id) => sinkEvent(id, { userId: id }));
    relay.mute();
    const controller = new AbortController();
    const lost = sink.deliver(batch, controller.signal).catch((error: unknown) => error);
    await eventually(place.count, (count) => count === 4);
    controller.abort();
    expect(await lost).toMatchObject({ retryable: true });
    relay.mend();
    expect(await sink.deliver(batch, never())).toEqual([OK, OK, OK]);
    expect(await place.count()).toBe(4);
    await relay.close();
  });

  it('refuses the one event that is too large for the server or for the stream', async () => {
    await place.manager.streams.add({
      name: place.stream,
      subjects: [`${place.stream}.>`],
      max_msg_size: 100_000,
    });
    const sink = made(own);
    const large = (id: string, length: number) =>
      sinkEvent(id, { properties: { text: 'x'.repeat(length) } });
    const batch = [sinkEvent('a'), large('b', 200_000), large('c', 1_048_500), sinkEvent('d')];
    const refused = (error: string) => ({
      ok: false,
      retryable: false,
      message: expect.stringContaining(error),
    });
    expect(await sink.deliver(batch, never())).toMatchObject([
      OK,
      refused('max_msg_size'),
      refused('max_payload'),
      OK,
    ]);
    expect(await place.count()).toBe(2);
  });

  it('stores nothing of a user behind an event that the stream has no room for', async () => {
    await place.manager.streams.add({
      name: place.stream,
      subjects: [`${place.stream}.>`],
      max_bytes: 50_000,
      discard: DiscardPolicy.New,
    });
    const sink = made(own);
    const large = sinkEvent('b', { properties: { text: 'x'.repeat(60_000) } });
    const batch = [sinkEvent('a'), large, sinkEvent('c'), sinkEvent('d', { userId: 'u-2' })];
    const full = { ok: false, retryable: true, message: expect.stringContaining('full') };
    expect(await sink.deliver(batch, never())).toMatchObject([OK, full, full, OK]);
    expect(await place.count()).toBe(2);
  });

  it('keeps its backlog where there is no stream, or another one, and says so', async () => {
    const subject = `${place.stream}.{type}`;
    const none = made({ servers: SERVERS, subject });
    expect(await none.deliver([sinkEvent('a')], never())).toMatchObject([{ retryable: true }]);
    await expect(none.check()).rejects.toThrow('no stream for this subject');
    await place.manager.streams.add({ name: place.stream, subjects: [`${place.stream}.*`] });
    await none.check();
    const other = made({ servers: SERVERS, subject, stream: 'trackbridge-test-other' });
    await expect(other.check()).rejects.toThrow('another stream');
    const overlapping = made({ ...own, subject, stream: `${place.stream}-2` });
    await expect(overlapping.open()).rejects.toThrow('10065');
    expect(await place.count()).toBe(0);
  });

  it('closes while the server hangs', async () => {
    const relay = await startRelay(4222);
    const sink = made({ ...own, servers: `nats://127.0.0.1:${relay.port}` });
    await sink.open();
    relay.stall();
    const delivery = sink.deliver([sinkEvent('a')], never());
    await sink.close();
    expect(await delivery).toMatchObject([{ retryable: true }]);
    await relay.close();
  });
});

const USERS = `
max_payload: 8MB
authorization {
  users: [
    { user: admin, password: admin-word }
    { user: writer, password: writer-word, permissions: {
        publish: ["events.track"], subscribe: ["_INBOX.>"] } }
  ]
}`;

describe.skipIf(!there)('a nats sink whose server has users', () => {
  let server: OwnNats;
  beforeAll(async () => {
    server = await ownNats(USERS);
  });
  afterAll(async () => {
    await server.dispose();
  });
  const admin = { user: 'admin', pass: 'admin-word' };
  const writer = { user: 'writer', pass: 'writer-word' };

  it('stores events of every type and of more than a megabyte', async () => {
    const options = { servers: server.url, credentials: admin, stream: 'events' };
    const sink = made({ ...options, createStream: true });
    const odd = oddEvents();
    expect(await sink.deliver(odd, never())).toEqual(odd.map(() => OK));
    await sink.check();
  });

  it('takes what its user may publish, and refuses the rest without losing it', async () => {
    const sink = made({ servers: server.url, credentials: writer });
    await sink.check();
    const batch = [sinkEvent('x'), sinkEvent('y', { type: 'page', userId: 'u-2' })];
    const denied = { ok: false, retryable: true, message: expect.stringContaining('permissions') };
    expect(await sink.deliver(batch, never())).toMatchObject([OK, denied]);
    const denying = made({ servers: server.url, credentials: writer, subject: 'others.{type}' });
    await expect(denying.check()).rejects.toThrow('permissions');
    const core = made({ servers: server.url, credentials: writer, jetstream: false });
    expect(await core.deliver(batch, never())).toMatchObject([OK, denied]);
    expect(await core.deliver(batch.slice(0, 1), never())).toEqual([OK]);
  });

  it.each([{ user: 'admin', pass: 'wrong-word' }, { token: 'wrong-word' }, undefined])(
    'says that it refuses %j',
    async (credentials) => {
      const sink = made({ servers: server.url, ...(credentials && { credentials }) });
      const error: unknown = await sink.check().catch((each: unknown) => each);
      expect(error).toMatchObject({ retryable: true });
      expect(String(error)).toContain('rejected the credentials');
      expect(String(error)).not.toContain('-word');
    },
  );
});

describe.skipIf(!there)('a nats sink whose server is killed', () => {
  let server: OwnNats;
  beforeAll(async () => {
    server = await ownNats();
  });
  afterAll(async () => {
    await server.dispose();
  });

  it('neither loses nor doubles, and keeps the order of each user', async () => {
    const place = await natsPlayground(server.port);
    const { stream } = place;
    const sink = made({
      servers: server.url,
      stream,
      subject: `${stream}.{type}`,
      createStream: true,
    });
    const batches = Array.from({ length: 60 }, (_, batch) =>
      Array.from({ length: 50 }, (_each, index) =>
        sinkEvent(`${batch * 50 + index}`, { userId: `u-${index % 10}` }),
      ),
    );
    let failures = 0;
    for (const [number, batch] of batches.entries()) {
      const restarted = number % 20 === 10 ? server.restart() : undefined;
      let left = batch;
      await eventually(
        async () => {
          const results = await sink.deliver(left, never()).catch((error: unknown) => {
            expect(error).toMatchObject({ retryable: true });
            return left.map(() => ({ ok: false, retryable: true }));
          });
          for (const result of results) expect(Object(result).retryable).not.toBe(false);
          left = left.filter((_, index) => results[index]?.ok !== true);
          if (left.length > 0) failures++;
          return left.length === 0;
        },
        (delivered) => delivered,
      );
      await restarted;
    }
    expect(failures).toBeGreaterThan(2);
    await eventually(place.count, (count) => count > 0);
    const ids = (await place.stored()).map(({ json }) => JSON.parse(json));
    expect(ids).toHaveLength(3000);
    for (let user = 0; user < 10; user++) {
      const numbers = ids
        .filter(({ userId }) => userId === `u-${user}`)
        .map(({ messageId }) => Number(messageId));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(new Set(numbers).size).toBe(300);
    }
    await place.dispose();
  });
});
