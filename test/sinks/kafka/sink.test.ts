import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createKafkaSink, type KafkaOptions, kafkaSink } from '../../../src/sinks/kafka/sink.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { hasKcat, type MockKafka, startMockKafka } from '../../support/kafka.js';
import { type Bench, sinkContract } from '../contract.js';
import { sinkContext, sinkEvent, TRACE, tracedEvent } from '../events.js';

const never = new AbortController().signal;

describe.runIf(hasKcat())('kafka', () => {
  let kafka: MockKafka;
  let sinks: Sink[] = [];
  let topics = 0;
  const newTopic = (): string => `topic-${topics++}`;
  const optionsFor = (topic: string): KafkaOptions => ({
    brokers: [kafka.broker],
    topic,
    clientId: 'trackbridge',
    compression: 'none',
    createTopics: true,
    ssl: false,
  });
  const sinkOn = async (options: KafkaOptions): Promise<Sink> => {
    const sink = await createKafkaSink(options, sinkContext());
    sinks.push(sink);
    await sink.open();
    return sink;
  };
  const idsIn = async (topic: string): Promise<unknown[]> =>
    (await kafka.read(topic)).map(({ value }) => JSON.parse(value).messageId);

  beforeAll(async () => {
    kafka = await startMockKafka();
  });
  afterEach(async () => {
    Object.assign(kafka.relay, { mode: 'pass', poison: undefined, missing: undefined });
    await Promise.all(sinks.map((sink) => sink.close()));
    sinks = [];
  });
  afterAll(async () => {
    await kafka.stop();
  });

  for (const compression of ['none', 'gzip'] as const) {
    sinkContract(`kafka, compression: ${compression}`, async (): Promise<Bench> => {
      const topic = newTopic();
      const sasl = { mechanism: 'plain', username: 'me', password: 'hunter2-password' } as const;
      return {
        sink: await createKafkaSink({ ...optionsFor(topic), compression }, sinkContext()),
        broken: await createKafkaSink(
          { ...optionsFor(topic), brokers: ['127.0.0.1:1'], sasl },
          sinkContext(),
        ),
        received: async () => (await kafka.read(topic)).map(({ value }) => JSON.parse(value)),
        stall: () => {
          kafka.relay.mode = 'stall';
        },
        fail: () => {
          kafka.relay.mode = 'fail';
        },
        mend: () => {
          kafka.relay.mode = 'pass';
        },
        secrets: ['hunter2-password'],
        dispose: async () => {},
      };
    });
  }

  it('sends the user as the key, and what consumers look at first as headers', async () => {
    const topic = newTopic();
    const sink = await sinkOn(optionsFor(topic));
    const nobody = sinkEvent('c', { type: 'page' });
    delete (nobody.event as { userId?: unknown }).userId;
    await sink.deliver([sinkEvent('a'), sinkEvent('b', { userId: 'Zoë' }), nobody], never);
    const records = await kafka.read(topic);
    expect(records.map(({ key }) => key).sort()).toEqual(['', 'Zoë', 'u-1']);
    expect(records.find(({ key }) => key === 'u-1')?.headers).toBe(
      'messageId=a,dedupeKey=segment:a,source=segment,type=track,content-type=application/json',
    );
  });

  it('carries the span of the delivery in its headers', async () => {
    const topic = newTopic();
    const sink = await sinkOn(optionsFor(topic));
    await sink.deliver([tracedEvent('a')], never);
    const [record] = await kafka.read(topic);
    const { traceparent, tracestate } = TRACE;
    expect(record?.headers).toContain(`,traceparent=${traceparent},tracestate=${tracestate}`);
  });

  it('says that it sends CloudEvents', async () => {
    const topic = newTopic();
    const context = { ...sinkContext(), format: 'cloudevents' } as const;
    const sink = await createKafkaSink(optionsFor(topic), context);
    sinks.push(sink);
    await sink.deliver([sinkEvent('a')], never);
    const [record] = await kafka.read(topic);
    expect(record?.headers).toContain('content-type=application/cloudevents+json');
  });

  it('sends each event to its topic, and lets no value name another', async () => {
    const sink = await sinkOn(optionsFor('by.{type}.{event}'));
    const events = [
      sinkEvent('a', { type: 'page', event: '../x y' }),
      sinkEvent('b', { event: 'Ä\u0000.internal' }),
      sinkEvent('c', { event: 'x'.repeat(1_000) }),
    ];
    expect(await sink.deliver(events, never)).toEqual(events.map(() => ({ ok: true })));
    expect(await idsIn('by.page.___x_y')).toEqual(['a']);
    expect(await idsIn('by.track.___internal')).toEqual(['b']);
    expect(await idsIn(`by.track.${'x'.repeat(100)}`)).toEqual(['c']);
  });

  it('refuses a topic with a field that there is not', async () => {
    await expect(createKafkaSink(optionsFor('a.{kind}'), sinkContext())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^topic: has \{kind\}/),
    });
  });

  it('makes one dead letter of a batch with one event that Kafka does not take', async () => {
    const topic = newTopic();
    const sink = await sinkOn(optionsFor(topic));
    kafka.relay.poison = 'p0ison';
    const events = Array.from({ length: 20 }, (_, index) =>
      sinkEvent(`m-${index}`, index === 13 ? { properties: { text: 'p0ison' } } : {}),
    );
    const results = await sink.deliver(events, never);
    expect(results.filter(({ ok }) => ok)).toHaveLength(19);
    expect(results[13]).toEqual({
      ok: false,
      retryable: false,
      message: `topic ${topic}: larger than the topic accepts; see its max.message.bytes (MESSAGE_TOO_LARGE)`,
    });
    // One user is one partition: nothing of a refused request is written, so nothing is there twice.
    const others = events.map(({ messageId }) => messageId).filter((id) => id !== 'm-13');
    expect(await idsIn(topic)).toEqual(others);
  });

  it('finds that event among those of nobody too, which are in all partitions', async () => {
    const topic = newTopic();
    const sink = await sinkOn(optionsFor(topic));
    kafka.relay.poison = 'p0ison';
    const events = Array.from({ length: 20 }, (_, index) =>
      sinkEvent(`m-${index}`, {
        userId: null,
        ...(index === 13 && { properties: { text: 'p0ison' } }),
      }),
    );
    const results = await sink.deliver(events, never);
    expect(results.flatMap(({ ok }, index) => (ok ? [] : [index]))).toEqual([13]);
    expect(new Set(await idsIn(topic)).size).toBe(19);
  });

  it('sends what is together more than a topic takes in several requests, in order', async () => {
    const topic = newTopic();
    const sink = await sinkOn(optionsFor(topic));
    await sink.deliver([sinkEvent('first')], never);
    const before = kafka.relay.produced;
    const text = 'x'.repeat(400_000);
    const events = ['a', 'b', 'c', 'd', 'e'].map((id) => sinkEvent(id, { properties: { text } }));
    expect(await sink.deliver(events, never)).toEqual(events.map(() => ({ ok: true })));
    expect(kafka.relay.produced - before).toBe(3);
    expect(await idsIn(topic)).toEqual(['first', 'a', 'b', 'c', 'd', 'e']);
  });

  it('holds up only the events of a topic that is missing, until it is there', async () => {
    const { relay } = kafka;
    relay.missing = 'lack-page';
    const sink = await sinkOn(optionsFor('lack-{type}'));
    const events = [sinkEvent('a'), sinkEvent('b', { type: 'page' }), sinkEvent('c')];
    const results = await sink.deliver(events, never);
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(results[1]).toMatchObject({
      retryable: true,
      message: expect.stringMatching(/^topic lack-page: there is no such topic; .*UNKNOWN_TOPIC/),
    });
    relay.missing = undefined;
    expect(await sink.deliver(events.slice(1, 2), never)).toEqual([{ ok: true }]);
    expect(await idsIn('lack-page')).toEqual(['b']);
  });

  it('refuses events whose topic is missing where senders choose it and brokers create none', async () => {
    kafka.relay.missing = 'made-up-page';
    const sink = await sinkOn({ ...optionsFor('made-up-{type}'), createTopics: false });
    const events = [sinkEvent('a'), sinkEvent('b', { type: 'page' }), sinkEvent('c')];
    // The mock broker makes the topic of the others as it is first written to.
    await (await sinkOn(optionsFor('made-up-track'))).deliver([sinkEvent('first')], never);
    const results = await sink.deliver(events, never);
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(results[1]).toMatchObject({
      retryable: false,
      message: expect.stringMatching(
        /^topic made-up-page: there is no such topic; .*UNKNOWN_TOPIC/,
      ),
    });
  });

  it('says of check what is missing', async () => {
    kafka.relay.missing = 'not-there';
    const sink = await sinkOn(optionsFor('not-there'));
    await expect(sink.check()).rejects.toThrow(
      `${kafka.broker}, topic not-there: there is no such topic; create it, or set createTopics`,
    );
    const mute = await sinkOn({
      ...optionsFor('a'),
      sasl: { mechanism: 'plain', username: 'me', password: 'hunter2' },
    });
    await expect(mute.check()).rejects.toThrow(/the broker does not support the request.*sasl/);
  });

  it('goes on after every connection was cut, without losing what counts as delivered', async () => {
    const topic = newTopic();
    const sink = await sinkOn(optionsFor(topic));
    const done: string[] = [];
    for (let round = 0; round < 12; round++) {
      if (round % 4 === 3) kafka.relay.cut();
      const events = [0, 1, 2].map((index) => sinkEvent(`r-${round}-${index}`));
      for (;;) {
        const results = await sink.deliver(events, never);
        if (results.every(({ ok }) => ok)) break;
        expect(results).toMatchObject(events.map(() => ({ ok: false, retryable: true })));
      }
      done.push(...events.map(({ messageId }) => messageId));
    }
    expect([...new Set(await idsIn(topic))]).toEqual(done);
  });

  it('finds the one broker of its list that is up', async () => {
    const topic = newTopic();
    const sink = await sinkOn({ ...optionsFor(topic), brokers: ['127.0.0.1:1', kafka.broker] });
    expect(await sink.deliver([sinkEvent('a')], never)).toEqual([{ ok: true }]);
  });

  it('cuts the connections on which a delivery was stopped, so that nothing of it arrives later', async () => {
    const cuts: string[] = [];
    const clients = ['first', 'second'].map((name) => ({
      send: () => new Promise<void>(() => {}),
      probe: async () => {},
      isSpent: false,
      close: async () => {},
      cut: () => cuts.push(name),
    }));
    const make = () => clients.shift() as (typeof clients)[number];
    const sink = await createKafkaSink(optionsFor('a'), sinkContext(), make);
    for (const name of ['first', 'second']) {
      const stop = new AbortController();
      const delivery = sink.deliver([sinkEvent(name)], stop.signal);
      stop.abort();
      await expect(delivery).rejects.toMatchObject({ retryable: true });
      expect(cuts.at(-1)).toBe(name);
    }
  });

  it('closes in time when the broker hangs, and leaves nothing that keeps a process alive', async () => {
    const sink = await sinkOn(optionsFor(newTopic()));
    await sink.deliver([sinkEvent('a')], never);
    kafka.relay.mode = 'stall';
    const hanging = sink.deliver([sinkEvent('b')], never);
    const began = performance.now();
    await sink.close();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await hanging).toMatchObject([{ ok: false, retryable: true }]);
  });

  it('is made by its type', async () => {
    const sink = await kafkaSink.create({ ...optionsFor(newTopic()) }, sinkContext());
    expect(await sink.deliver([sinkEvent('a')], never)).toEqual([{ ok: true }]);
    await sink.close();
  });
});
