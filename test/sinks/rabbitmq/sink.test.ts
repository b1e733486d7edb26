import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toSinkEvent } from '../../../src/dispatch/routing/format.js';
import { type Sink, SinkError } from '../../../src/sinks/sink.js';
import { eventually } from '../../support/receiver.js';
import { type Relay, startRelay } from '../../support/relay.js';
import { requireServer } from '../../support/servers.js';
import { sinkContract } from '../contract.js';
import { oddEvents, sinkEvent, TRACE, tracedEvent } from '../events.js';
import { type Broker, makeSink, never, openBroker, PORT, parsed, urlTo } from './setup.js';

const there = await requireServer('RabbitMQ', PORT);
const OK = { ok: true };

/** A batch that failed as a whole is as one that failed event by event. */
function outcome(delivery: ReturnType<Sink['deliver']>): Promise<readonly object[]> {
  return delivery.catch((error: unknown) => {
    if (error instanceof SinkError) return [error];
    throw error;
  });
}

describe.runIf(there)('rabbitmq: with a server', () => {
  sinkContract('rabbitmq', async () => {
    const broker = await openBroker();
    const relay = await startRelay(PORT);
    await broker.createQueue();
    const seen: unknown[] = [];
    return {
      sink: makeSink({ url: urlTo(relay.port), queue: broker.queue }),
      broken: makeSink({ url: urlTo(PORT, 'guest:a-secret-password'), queue: broker.queue }),
      received: async () => {
        seen.push(...parsed(await broker.take()));
        return seen;
      },
      arrives: ({ json }) => JSON.parse(Buffer.from(json).toString()),
      stall: relay.stall,
      fail: relay.cut,
      mend: relay.mend,
      secrets: ['a-secret-password'],
      async dispose() {
        await relay.close();
        await broker.dispose();
      },
    };
  });

  describe('rabbitmq: messages', () => {
    let broker: Broker;
    const open: { close(): Promise<void> }[] = [];
    const sinkOf = async (...options: Parameters<typeof makeSink>): Promise<Sink> => {
      const sink = makeSink(...options);
      open.push(sink);
      await sink.open();
      return sink;
    };
    beforeEach(async () => {
      broker = await openBroker();
    });
    afterEach(async () => {
      for (const each of open.splice(0)) await each.close();
      await broker.dispose();
    });

    it('are persistent, and name the event in their properties', async () => {
      await broker.createQueue();
      const sink = await sinkOf({ queue: broker.queue });
      const long = 'é'.repeat(128);
      expect(await sink.deliver([sinkEvent('m-1'), sinkEvent(long)], never())).toEqual([OK, OK]);
      const [first, second] = await broker.take();
      expect(first?.properties).toMatchObject({
        messageId: 'm-1',
        type: 'track',
        deliveryMode: 2,
        contentType: 'application/json',
        timestamp: Date.parse('2026-01-02T03:04:05Z') / 1000,
        headers: { dedupeKey: 'segment:m-1', type: 'track', source: 'segment' },
      });
      const hash = createHash('sha256').update(long, 'utf16le').digest('hex');
      expect(second?.properties.messageId).toBe(`sha256:${hash}`);
      expect(second?.properties.headers).toMatchObject({ dedupeKey: `segment:${long}` });
    });

    it('carry the span of the delivery in their headers', async () => {
      await broker.createQueue();
      const sink = await sinkOf({ queue: broker.queue });
      await sink.deliver([tracedEvent('m-1')], never());
      const [first] = await broker.take();
      expect(first?.properties.headers).toMatchObject(TRACE);
    });

    it('are CloudEvents where that is asked for', async () => {
      await broker.createQueue();
      const sink = await sinkOf({ queue: broker.queue }, 'cloudevents');
      await sink.deliver([toSinkEvent(sinkEvent('m-1').json, 'cloudevents')], never());
      const [message] = await broker.take();
      expect(message?.properties.contentType).toBe('application/cloudevents+json');
      expect(JSON.parse(String(message?.content))).toMatchObject({
        specversion: '1.0',
        id: 'segment:m-1',
        data: { messageId: 'm-1' },
      });
    });

    it('go by templates to an exchange and a bound queue that are declared', async () => {
      const { exchange, queue } = broker;
      const options = { exchange, routingKey: 'events.{type}.{event}', queue, declare: true };
      const sink = await sinkOf({ ...options, queueType: 'quorum' });
      await sink.deliver([sinkEvent('m-1', { event: 'a.b #*\u0000c' })], never());
      const [message] = await broker.take();
      expect(message?.fields).toMatchObject({ exchange, routingKey: 'events.track.a_b ___c' });
      // Another connection finds both as they are, though it would have declared them otherwise.
      const again = await sinkOf({ ...options, queueType: 'classic' });
      expect(await again.deliver([sinkEvent('m-2')], never())).toEqual([OK]);
    });

    it('without a queue: are held where all go the same way', async () => {
      const { queue } = broker;
      const sink = await sinkOf({ queue });
      const [result] = await sink.deliver([sinkEvent('m-1')], never());
      expect(result).toMatchObject({ ok: false, retryable: true });
      expect(result).toHaveProperty('message', expect.stringContaining(`no queue "${queue}"`));
    });

    it('without a queue: are dead letters where the key is the event’s, and cost the others nothing', async () => {
      const { exchange, queue } = broker;
      const sink = await sinkOf({ exchange, queue, routingKey: 'k', declare: true });
      const chosen = await sinkOf({ exchange, routingKey: '{event}' });
      const batch = ['k', 'elsewhere', 'k'].map((event, at) => sinkEvent(`m-${at}`, { event }));
      expect(await sink.deliver([sinkEvent('m')], never())).toEqual([OK]);
      expect(await chosen.deliver(batch, never())).toMatchObject([
        OK,
        { ok: false, retryable: false, message: expect.stringContaining('no queue is bound') },
        OK,
      ]);
      expect(await broker.count()).toBe(3);
      const careless = await sinkOf({ exchange, routingKey: '{event}', mandatory: false });
      expect(await careless.deliver(batch, never())).toEqual([OK, OK, OK]);
      expect(await broker.count()).toBe(5);
    });

    it('are declared for again when the queue was deleted', async () => {
      const sink = await sinkOf({ queue: broker.queue, declare: true });
      await broker.deleteQueue();
      expect(await sink.deliver([sinkEvent('m-1')], never())).toMatchObject([{ retryable: true }]);
      expect(await sink.deliver([sinkEvent('m-1')], never())).toEqual([OK]);
    });

    it('without an exchange: are held where there is one for all', async () => {
      const { exchange } = broker;
      const sink = await sinkOf({ exchange, routingKey: '{event}' });
      const results = await sink.deliver([sinkEvent('m-1'), sinkEvent('m-2')], never());
      const held = {
        retryable: true,
        message: expect.stringContaining(`no exchange "${exchange}"`),
      };
      expect(results).toMatchObject([held, held]);
    });

    it('without an exchange: are dead letters where the event names it, and only those', async () => {
      const { exchange, queue } = broker;
      await (await sinkOf({ exchange, queue, declare: true })).check();
      const sink = await sinkOf({ exchange: '{event}', routingKey: 'k' });
      const names = [exchange, exchange, 'nowhere at all', exchange, 'nor here', exchange];
      const batch = names.map((event, at) => sinkEvent(`m-${at}`, { event }));
      const dead = { ok: false, retryable: false, message: 'there is no exchange for this event' };
      expect(await sink.deliver(batch, never())).toMatchObject([OK, OK, dead, OK, dead, OK]);
      const ids = (await broker.take()).map(({ properties }) => String(properties.messageId));
      expect([...new Set(ids)]).toEqual(['m-0', 'm-1', 'm-3', 'm-5']);
    });

    it('without an exchange: stop behind one that is tried again, so that none overtakes it', async () => {
      const { exchange, queue } = broker;
      const full = `${queue}-full`;
      await broker.createQueue(full, { maxLength: 1, overflow: 'reject-publish' });
      await (await sinkOf({ exchange: `${exchange}-full`, queue: full, declare: true })).check();
      await (await sinkOf({ exchange, queue, declare: true })).check();
      const sink = await sinkOf({ exchange: '{event}', routingKey: 'k' });
      const to = (event: string) => sinkEvent('m', { event });
      await sink.deliver([to(`${exchange}-full`)], never());
      const batch = [to('nowhere at all'), to(`${exchange}-full`), to(exchange)];
      const again = {
        ok: false,
        retryable: true,
        message: expect.stringContaining('queue is full'),
      };
      expect(await sink.deliver(batch, never())).toMatchObject([
        { retryable: false },
        again,
        again,
      ]);
      expect(await broker.count()).toBe(0);
    });

    it('over maxMessageSize are dead letters, and only those', async () => {
      await broker.createQueue();
      const sink = await sinkOf({ queue: broker.queue, maxMessageSize: 2_000 });
      const large = sinkEvent('large', { properties: { text: 'x'.repeat(2_000) } });
      expect(await sink.deliver([sinkEvent('a'), large, sinkEvent('b')], never())).toMatchObject([
        OK,
        { ok: false, retryable: false, message: expect.stringContaining('maxMessageSize') },
        OK,
      ]);
      expect(await broker.count()).toBe(2);
    });

    it('that a full queue does not take are tried again, and so are later ones of the user', async () => {
      const [full, free] = [`${broker.queue}-full`, `${broker.queue}-free`];
      await broker.createQueue(full, { maxLength: 1, overflow: 'reject-publish' });
      await broker.createQueue(free);
      const sink = await sinkOf({ routingKey: '{event}' });
      const to = (id: string, event: string, userId: string) => sinkEvent(id, { event, userId });
      const batch = [
        to('1', full, 'a'),
        to('2', full, 'a'),
        to('3', free, 'a'),
        to('4', free, 'b'),
      ];
      const again = {
        ok: false,
        retryable: true,
        message: expect.stringContaining('queue is full'),
      };
      expect(await sink.deliver(batch, never())).toMatchObject([OK, again, again, OK]);
    });

    it('are read from a batch in its order, 10,000 of them', async () => {
      await broker.createQueue();
      const sink = await sinkOf({ queue: broker.queue });
      const ids = Array.from({ length: 10_000 }, (_, at) => `m-${at}`);
      for (let at = 0; at < ids.length; at += 500) {
        await sink.deliver(
          ids.slice(at, at + 500).map((id) => sinkEvent(id)),
          never(),
        );
      }
      expect(await broker.count()).toBe(10_000);
    });
  });

  describe('rabbitmq: what is wrong', () => {
    let broker: Broker;
    let relay: Relay;
    beforeEach(async () => {
      broker = await openBroker();
      relay = await startRelay(PORT);
    });
    afterEach(async () => {
      await relay.close();
      await broker.dispose();
    });
    const checked = async (options: Parameters<typeof makeSink>[0]): Promise<string> => {
      const sink = makeSink(options);
      const problem = await sink.check().then(
        () => 'ok',
        (error: Error) => error.message,
      );
      await sink.close();
      return problem;
    };

    it('is said by check', async () => {
      const { queue, exchange } = broker;
      const missing = { queue, exchange, routingKey: 'k' };
      expect(await checked({ queue, url: urlTo(1) })).toMatch(
        /127\.0\.0\.1:1 cannot be reached: .*REFUSED/,
      );
      expect(await checked({ queue, url: urlTo(PORT, 'guest:wrong') })).toMatch(
        /rejected the user/,
      );
      expect(await checked({ queue, url: `${urlTo(PORT)}/nowhere` })).toMatch(
        /no such virtual host/,
      );
      expect(await checked({ queue })).toBe(
        `there is no queue "${queue}"; create it, or set declare: true`,
      );
      expect(await checked({ exchange })).toMatch(/^there is no exchange/);
      expect(await checked({ ...missing, declare: true })).toBe('ok');
      await broker.createQueue();
      expect(await checked({ queue })).toBe('ok');
      expect(await broker.count()).toBe(0);
    });

    it('ends with close, also when the server does not answer any more', async () => {
      await broker.createQueue();
      const sink = makeSink({ url: urlTo(relay.port), queue: broker.queue });
      await sink.open();
      relay.stall();
      const delivery = outcome(sink.deliver([sinkEvent('m-1')], never()));
      const before = performance.now();
      await sink.close();
      expect(performance.now() - before).toBeLessThan(3_000);
      expect(await delivery).toMatchObject([{ retryable: true }]);
    });

    it('ends with close, also while it connects', async () => {
      relay.stall();
      const sink = makeSink({ url: urlTo(relay.port), queue: broker.queue });
      const opening = sink.open().catch((error: Error) => error.message);
      await sink.close();
      expect(await opening).toMatch(/cannot be reached: the sink was closed/);
    });

    it('passes: a connection is cut, and events go on over another', async () => {
      await broker.createQueue();
      const sink = makeSink({ url: urlTo(relay.port), queue: broker.queue });
      await sink.open();
      await sink.deliver([sinkEvent('m-1')], never());
      relay.cut();
      const cut = await outcome(sink.deliver([sinkEvent('m-2')], never()));
      expect(cut).toMatchObject([{ retryable: true }]);
      relay.mend();
      expect(await sink.deliver(oddEvents(), never())).toEqual(oddEvents().map(() => OK));
      expect(
        await eventually(
          () => broker.count(),
          (count) => count >= 11,
        ),
      ).toBe(11);
      await sink.close();
    });
  });
});
