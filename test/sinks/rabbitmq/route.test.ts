import amqp from 'amqplib';
import { describe, expect, it } from 'vitest';
import { type RouteOptions, routeOf } from '../../../src/sinks/rabbitmq/route.js';
import { createRabbitmqSink, type RabbitmqOptions } from '../../../src/sinks/rabbitmq/sink.js';
import { sinkContext, sinkEvent } from '../events.js';

const route = (options: Partial<RouteOptions>) =>
  routeOf({ exchange: '', declare: false, ...options });
const named = (event: string, userId = 'u') => sinkEvent('m', { event, userId }).event;

describe('rabbitmq: where events go', () => {
  it('is the queue, or the exchange by type', () => {
    const direct = route({ queue: 'orders {type}' });
    expect(direct).toMatchObject({ fixedExchange: '', fixedKey: 'orders {type}' });
    expect(direct.routingKey(named('x'))).toBe('orders {type}');
    expect(route({ exchange: 'x' }).routingKey(named('x'))).toBe('track');
  });

  it('is the queue too where the key of the default exchange names it', () => {
    for (const queue of ['q', 'orders {type}']) {
      for (const declare of [false, true]) {
        const named = route({ exchange: '', queue, routingKey: queue, declare });
        expect(named).toMatchObject({ fixedExchange: '', fixedKey: queue });
        expect(named.routingKey(sinkEvent('m').event)).toBe(queue);
      }
    }
  });

  it('is one word for each value, and never over 255 bytes', () => {
    const both = route({ exchange: 'x', routingKey: 'a.{event}.{userId}.z' });
    expect(both.routingKey(named('é.#*\u0000'.repeat(100), 'x'.repeat(300)))).toMatch(
      /^a\.[é_]+\.x+\.z$/,
    );
    for (const long of ['é', '東', '👩‍👩‍👧', '\ud800']) {
      const key = both.routingKey(named(long.repeat(300), long.repeat(299)));
      expect(Buffer.byteLength(key)).toBeLessThanOrEqual(255);
      expect(key).toMatch(/^a\.[^.]+\.[^.]+\.z$/);
    }
    expect(both.routingKey(named('', '\u007f'))).toBe('a._._.z');
  });

  it.each<[Partial<RouteOptions>, string]>([
    [{}, 'queue: set queue or exchange'],
    [{ queue: 'q', routingKey: 'k' }, 'routingKey: the default exchange routes by the name'],
    [{ queue: 'q', routingKey: '{type}' }, 'routingKey: the default exchange routes by the name'],
    [
      { exchange: '{event}', queue: 'q', declare: true },
      'declare: the name of the exchange depends',
    ],
    [{ routingKey: 'k', declare: true }, 'declare: requires queue'],
    [{ exchange: 'x', routingKey: '{user}' }, 'routingKey: has {user}; known are'],
    [{ exchange: 'x'.repeat(256) }, 'exchange: is over 255 bytes'],
    [{ exchange: 'x', routingKey: `${'x'.repeat(255)}{type}` }, 'routingKey: is over 255 bytes'],
  ])('is refused where it makes no sense: %j', (options, problem) => {
    expect(() => route(options)).toThrow(problem);
  });
});

describe('rabbitmq: options', () => {
  const create = (options: Partial<RabbitmqOptions>) => () =>
    createRabbitmqSink(
      {
        url: 'amqp://localhost',
        exchange: '',
        queue: 'q',
        declare: false,
        queueType: 'classic',
        mandatory: true,
        maxMessageSize: 1_000,
        heartbeat: 10_000,
        ...options,
      },
      sinkContext(),
      amqp,
    );

  it.each<[Partial<RabbitmqOptions>, string]>([
    [{ url: 'http://user:a-password@x' }, 'url: must be a complete amqp:// or amqps:// URL'],
    [{ url: 'amqp://user:a-password@' }, 'url: must be a complete amqp:// or amqps:// URL'],
    [{ url: 'amqp://x?heartbeat=1' }, 'url: takes no parameters'],
    [{ ssl: { ca: 'x' } }, 'ssl: requires a url that begins with amqps://'],
    [{ url: 'amqps://x', ssl: { cert: 'no PEM' } }, 'ssl: ca, cert and key must be PEM text'],
  ])('are refused without repeating a password: %j', (options, problem) => {
    expect(create(options)).toThrow(problem);
    expect(create(options)).not.toThrow('a-password');
    expect(create({})).not.toThrow();
  });
});
