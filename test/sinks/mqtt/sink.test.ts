import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMqttSink, type MqttOptions, mqttSink } from '../../../src/sinks/mqtt/sink.js';
import type { Sink, SinkEvent } from '../../../src/sinks/sink.js';
import {
  type Listener,
  listenTo,
  type Mosquitto,
  startMosquitto,
} from '../../support/mosquitto.js';
import { type Relay, startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { type Bench, sinkContract } from '../contract.js';
import { sinkContext, sinkEvent, TRACE, tracedEvent } from '../events.js';

const never = new AbortController().signal;
const isThere = await requireServer('Mosquitto', 1883);
const parsed = async (listener: Listener): Promise<unknown[]> =>
  (await listener.received()).map(({ text }) => JSON.parse(text));
const ids = async (listener: Listener): Promise<unknown[]> =>
  (await parsed(listener)).map((event) => Object(event).messageId);

describe.runIf(isThere)('mqtt', () => {
  let relay: Relay;
  let cleanups: (() => Promise<void>)[] = [];
  const newPrefix = (): string => `trackbridge-test/${crypto.randomUUID()}`;
  const optionsFor = (topic: string, port = relay.port): MqttOptions => ({
    url: `mqtt://127.0.0.1:${port}`,
    topic,
    qos: 1,
    ssl: { rejectUnauthorized: true },
  });
  const sinkOn = async (options: MqttOptions): Promise<Sink> => {
    const sink = await createMqttSink(options, sinkContext());
    cleanups.push(() => sink.close());
    return sink;
  };
  const listen = async (prefix: string, port = 1883, user = {}): Promise<Listener> => {
    const listener = await listenTo(port, prefix, user);
    cleanups.push(() => listener.close());
    return listener;
  };
  const own = async (...how: Parameters<typeof startMosquitto>): Promise<Mosquitto> => {
    const mosquitto = await startMosquitto(...how);
    cleanups.push(() => mosquitto.dispose());
    return mosquitto;
  };

  beforeAll(async () => {
    relay = await startRelay(1883);
  });
  afterEach(async () => {
    relay.mend();
    for (const cleanup of cleanups.reverse()) await cleanup();
    cleanups = [];
  });
  afterAll(async () => {
    await relay.close();
  });

  for (const qos of [1, 2] as const) {
    sinkContract(`mqtt with qos ${qos}`, async (): Promise<Bench> => {
      const prefix = newPrefix();
      const listener = await listenTo(1883, prefix);
      const options = { ...optionsFor(`${prefix}/events`), qos };
      const secret = 'hunter2-password';
      return {
        sink: await createMqttSink(options, sinkContext()),
        broken: await createMqttSink(
          { ...options, url: `mqtt://me:${secret}@127.0.0.1:1` },
          sinkContext(),
        ),
        received: () => parsed(listener),
        stall: () => relay.stall(),
        fail: () => relay.cut(),
        mend: () => relay.mend(),
        secrets: [secret],
        dispose: () => listener.close(),
      };
    });
  }

  it('sends each event to its topic, and lets no value name another', async () => {
    const prefix = newPrefix();
    const listener = await listen(prefix);
    const sink = await sinkOn(optionsFor(`${prefix}/{type}/{event}`));
    const names = ['a/../b', '+', '#', '$SYS', '\u0000\u0007x', '\ud800', '', 'x'.repeat(1_000)];
    const batch = names.map((event, index) => sinkEvent(`m-${index}`, { event }));
    expect(await sink.deliver(batch, never)).toEqual(batch.map(() => ({ ok: true })));
    expect((await listener.received()).map(({ topic }) => topic.slice(prefix.length))).toEqual([
      '/track/a_.._b',
      '/track/_',
      '/track/_',
      '/track/_SYS',
      '/track/__x',
      '/track/_',
      '/track/_',
      `/track/${'x'.repeat(100)}`,
    ]);
  });

  it('says what it sends, but for an id that no property can hold', async () => {
    const prefix = newPrefix();
    const listener = await listen(prefix);
    const sink = await sinkOn(optionsFor(`${prefix}/a`));
    await sink.deliver([sinkEvent('Zoë 1'), sinkEvent('m\u0000\n')], never);
    const context = { ...sinkContext(), format: 'cloudevents' } as const;
    const other = await createMqttSink(optionsFor(`${prefix}/a`), context);
    cleanups.push(() => other.close());
    await other.deliver([sinkEvent('c')], never);
    const [plain, odd, cloud] = await listener.received();
    expect(plain).toMatchObject({
      contentType: 'application/json',
      properties: {
        messageId: 'Zoë 1',
        dedupeKey: 'segment:Zoë 1',
        source: 'segment',
        type: 'track',
      },
    });
    expect(odd?.properties).toEqual({
      dedupeKey: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      source: 'segment',
      type: 'track',
    });
    expect(cloud?.contentType).toBe('application/cloudevents+json');
  });

  it('carries the span of the delivery in its user properties', async () => {
    const prefix = newPrefix();
    const listener = await listen(prefix);
    const sink = await sinkOn(optionsFor(`${prefix}/a`));
    await sink.deliver([tracedEvent('a')], never);
    const [message] = await listener.received();
    expect(message?.properties).toMatchObject(TRACE);
  });

  it('brings through an event of which no text can be said', async () => {
    const prefix = newPrefix();
    const listener = await listen(prefix);
    const sink = await sinkOn(optionsFor(`${prefix}/a`));
    const { receipt } = sinkEvent('a').event;
    const fields = { type: '\u0001', receipt: { ...receipt, source: '\u0007' } };
    const signal = AbortSignal.timeout(5_000);
    expect(await sink.deliver([sinkEvent('\u0000', fields)], signal)).toEqual([{ ok: true }]);
    expect((await listener.received()).map(({ properties }) => properties)).toEqual([
      { dedupeKey: expect.stringMatching(/^sha256:/) },
    ]);
  });

  it.each([
    ['http://example.com', 'a'],
    ['mqtt://a%zz@example.com', 'a'],
    ['mqtt://example.com', '{kind}'],
  ])('refuses what can be no place: %s %s', async (url, topic) => {
    const made = createMqttSink({ ...optionsFor(topic), url }, sinkContext());
    await expect(made).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  describe('on a broker that asks who it is', () => {
    let broker: Mosquitto;
    const user = { username: 'me', password: 'hunter2-password' };
    const [reason, deny] = [
      /^127\.0\.0\.1:\d+: the user has no right to publish there.*135/,
      'denied',
    ];
    beforeAll(async () => {
      broker = await startMosquitto(
        [
          'allow_anonymous false',
          'password_file DIR/users',
          'acl_file DIR/acl',
          'message_size_limit 2000',
        ],
        { users: '', acl: `user me\ntopic readwrite a/#\n` },
      );
      const file = join(broker.directory, 'users');
      execFileSync('mosquitto_passwd', ['-b', file, user.username, user.password]);
      await broker.stop();
      await broker.start();
    });
    afterAll(() => broker.dispose());

    it('shows user and password, from the options or the URL', async () => {
      await (await sinkOn({ ...optionsFor('a/b', broker.port), ...user })).check();
      const url = `mqtt://${user.username}:${user.password}@127.0.0.1:${broker.port}`;
      await (await sinkOn({ ...optionsFor('a/b'), url })).check();
    });

    it('says that it is not accepted, and will try again', async () => {
      const sink = await sinkOn({ ...optionsFor('a/b', broker.port), ...user, password: 'wrong' });
      await expect(sink.check()).rejects.toMatchObject({ message: expect.stringMatching(reason) });
      await expect(sink.deliver([sinkEvent('a')], never)).rejects.toMatchObject({
        retryable: true,
      });
    });

    it('says in a check where it may not write, and leaves nothing where it may', async () => {
      const listener = await listen('a', broker.port, user);
      await (await sinkOn({ ...optionsFor('a/{type}', broker.port), ...user })).check();
      const elsewhere = await sinkOn({ ...optionsFor('denied/{type}', broker.port), ...user });
      await expect(elsewhere.check()).rejects.toMatchObject({
        message: expect.stringMatching(
          /^topic denied\/track: the user has no right to publish there.*135/,
        ),
      });
      expect(await listener.received()).toEqual([]);
    });

    it('tries again what it may not publish, and gives up only what senders put there', async () => {
      const listener = await listen('a', broker.port, user);
      const sink = await sinkOn({ ...optionsFor('a/{type}', broker.port), ...user });
      const elsewhere = await sinkOn({ ...optionsFor('denied', broker.port), ...user });
      expect(await sink.deliver([sinkEvent('a')], never)).toEqual([{ ok: true }]);
      const results = await elsewhere.deliver([sinkEvent('b')], never);
      expect(results).toMatchObject([
        {
          ok: false,
          retryable: true,
          message: expect.stringContaining('topic denied: the user has'),
        },
      ]);
      const mixed = await sinkOn({ ...optionsFor(`{event}/x`, broker.port), ...user });
      const outcome = await mixed.deliver(
        [
          sinkEvent('1', { event: 'a' }),
          sinkEvent('2', { event: deny }),
          sinkEvent('3', { event: 'a' }),
          sinkEvent('4', { event: 'a', userId: 'other' }),
        ],
        never,
      );
      // Senders choose the topic: one that is closed to all must not hold up the others.
      expect(outcome.map(({ ok }) => ok)).toEqual([true, false, true, true]);
      expect(outcome[1]).toMatchObject({ retryable: false });
      expect(await ids(listener)).toEqual(['a', '1', '3', '4']);
    });

    it('makes one dead letter of a batch with one event that is too large', async () => {
      const listener = await listen('a', broker.port, user);
      const sink = await sinkOn({ ...optionsFor('a/b', broker.port), ...user });
      const batch = Array.from({ length: 20 }, (_, index) =>
        sinkEvent(`m-${index}`, index === 7 ? { properties: { text: 'x'.repeat(2_000) } } : {}),
      );
      const results = await sink.deliver(batch, never);
      expect(results[7]).toEqual({
        ok: false,
        retryable: false,
        message: 'topic a/b: larger than the broker accepts (reason code 149)',
      });
      // Over this refusal the driver ends the connection: those after it come again.
      expect(results.slice(0, 7)).toEqual(batch.slice(0, 7).map(() => ({ ok: true })));
      const rest = batch.slice(8);
      expect(results.slice(8)).toMatchObject(rest.map(() => ({ retryable: true })));
      expect(await sink.deliver(rest, never)).toEqual(rest.map(() => ({ ok: true })));
      expect(new Set(await ids(listener)).size).toBe(19);
    });
  });

  it('blames the largest for a connection that ends over a packet that is too large', async () => {
    const broker = createServer((socket) => {
      socket.on('error', () => {});
      let taken = 0;
      socket.on('data', (chunk) => {
        // CONNACK: accepted; DISCONNECT: packet too large.
        if (taken === 0) socket.write(Buffer.from('2003000000', 'hex'));
        taken += chunk.length;
        if (taken > 5_000) socket.end(Buffer.from('e0029500', 'hex'));
      });
    }).listen(0, '127.0.0.1');
    await once(broker, 'listening');
    cleanups.push(async () => void broker.close());
    const sink = await sinkOn(optionsFor('a/b', (broker.address() as AddressInfo).port));
    const large = sinkEvent('large', { properties: { text: 'x'.repeat(4_000) } });
    const results = await sink.deliver([sinkEvent('a'), large, sinkEvent('c')], never);
    expect(results).toMatchObject([
      { ok: false, retryable: true },
      {
        ok: false,
        retryable: false,
        message: expect.stringContaining('larger than the broker accepts'),
      },
      { ok: false, retryable: true },
    ]);
  });

  it('keeps to what the broker takes at once and in one packet, over which it would end the connection', async () => {
    const limits = ['allow_anonymous true', 'max_packet_size 3000', 'max_inflight_messages 3'];
    const broker = await own(limits);
    const listener = await listen('a', broker.port);
    const sink = await sinkOn(optionsFor('a/b', broker.port));
    const batch = Array.from({ length: 200 }, (_, index) =>
      sinkEvent(`m-${index}`, index === 99 ? { properties: { text: 'x'.repeat(3_000) } } : {}),
    );
    const results = await sink.deliver(batch, never);
    expect(results.flatMap(({ ok }, index) => (ok ? [] : [index]))).toEqual([99]);
    expect(results[99]).toMatchObject({
      retryable: false,
      message: 'topic a/b: larger than the 3000 bytes that the broker accepts',
    });
    const arrived = batch.map(({ messageId }) => messageId).filter((id) => id !== 'm-99');
    expect(await ids(listener)).toEqual(arrived);
  });

  it('goes on after the broker was restarted, without losing what it acknowledged', async () => {
    const broker = await own();
    const listener = await listen('a', broker.port);
    const sink = await sinkOn(optionsFor('a/b', broker.port));
    const deliver = (batch: readonly SinkEvent[]) => sink.deliver(batch, never);
    const [first, second] = [[sinkEvent('a'), sinkEvent('b')], [sinkEvent('c')]];
    expect(await deliver(first)).toEqual([{ ok: true }, { ok: true }]);
    await broker.stop();
    // The end of the connection is heard of before the delivery or during it.
    const ended = await deliver(second).catch((error: unknown) => [error]);
    expect(ended).toMatchObject([{ retryable: true }]);
    await broker.start();
    expect(await deliver(second)).toEqual([{ ok: true }]);
    expect([...new Set(await ids(listener))]).toEqual(['a', 'b', 'c']);
  });

  it('takes its place back from a client of the same id, and does not lose it to its own check', async () => {
    const prefix = newPrefix();
    const options = { ...optionsFor(`${prefix}/a`), clientId: `c-${crypto.randomUUID()}` };
    const [first, second] = [await sinkOn(options), await sinkOn(options)];
    await first.deliver([sinkEvent('a')], never);
    await first.check();
    expect(await first.deliver([sinkEvent('b')], never)).toEqual([{ ok: true }]);
    await second.deliver([sinkEvent('c')], never);
    await expect(first.deliver([sinkEvent('d')], never)).rejects.toMatchObject({ retryable: true });
    expect(await first.deliver([sinkEvent('d')], never)).toEqual([{ ok: true }]);
  });

  it('connects by TLS, to whom it trusts only', async () => {
    const broker = await own(
      ['allow_anonymous true', 'certfile DIR/cert', 'keyfile DIR/key'],
      tls(),
    );
    const ca = readFileSync(join(broker.directory, 'cert'), 'utf8');
    const url = `mqtts://localhost:${broker.port}`;
    const trusting = await sinkOn({
      ...optionsFor('a'),
      url,
      ssl: { ca, rejectUnauthorized: true },
    });
    expect(await trusting.deliver([sinkEvent('a')], never)).toEqual([{ ok: true }]);
    const escaped = await sinkOn({
      ...optionsFor('a'),
      url,
      ssl: { ca: ca.replaceAll('\n', '\\n'), rejectUnauthorized: true },
    });
    await escaped.check();
    await expect((await sinkOn({ ...optionsFor('a'), url })).check()).rejects.toThrow(
      /the connection failed \(\w+_CERT\w*\); check/,
    );
  });

  it('closes in time when the broker hangs', async () => {
    const sink = await sinkOn(optionsFor(`${newPrefix()}/a`));
    await sink.deliver([sinkEvent('a')], never);
    relay.stall();
    const hanging = sink.deliver([sinkEvent('b')], never);
    const began = performance.now();
    await sink.close();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await hanging).toMatchObject([{ ok: false, retryable: true }]);
  });

  it('is made by its type', async () => {
    const sink = await mqttSink.create({ ...optionsFor(`${newPrefix()}/a`) }, sinkContext());
    expect(await sink.deliver([sinkEvent('a')], never)).toEqual([{ ok: true }]);
    await sink.close();
  });
});

/** A certificate for localhost that signs itself, and its key. */
function tls(): { cert: string; key: string } {
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const where = ['-keyout', '-', '-out', '-'];
  const pem = execFileSync('openssl', ['req', '-x509', '-days', '2', ...curve, ...name, ...where], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const part = (kind: string): string =>
    String(new RegExp(`-----BEGIN ${kind}-----[^]*?-----END ${kind}-----\n`).exec(pem));
  return { cert: part('CERTIFICATE'), key: part('PRIVATE KEY') };
}
