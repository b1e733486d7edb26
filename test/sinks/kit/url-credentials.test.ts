import { describe, expect, it } from 'vitest';
import { refuseStrayCredentials } from '../../../src/sinks/kit/url-credentials.js';
import { sinkTypes } from '../../../src/sinks/registry.js';
import { sinkContext } from '../events.js';

describe('user and password in a URL', () => {
  it.each([
    'amqp://u:p@ss/w@host:1',
    'amqp://u:p@ss?w@host:1',
    'amqp://u:p@ss#w@host:1',
    'amqp://u:p/w@host:1',
    'amqp://u:p/\n@host:1',
  ])('are refused where they are not percent-encoded: %s', (url) => {
    expect(() => refuseStrayCredentials(url)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/^url: percent-encode/),
      }),
    );
  });

  it.each([
    'amqp://host',
    'amqp://u:p@host:1/a/b?c=d#e',
    'amqp://u:p@ss@host:1/a',
    'amqp://u:p%40ss%2Fw@host:1/a',
    'amqp://h/a%40b',
  ])('are taken otherwise: %s', (url) => {
    expect(() => refuseStrayCredentials(url)).not.toThrow();
  });

  it.each([
    [
      'postgres',
      'postgresql',
      { create: false, layout: 'single', schema: 'public', table: 'events' },
    ],
    ['mqtt', 'mqtt', { topic: 'a', qos: 1, ssl: {} }],
    ['rabbitmq', 'amqp', { exchange: '', queue: 'a', declare: false, heartbeat: 10_000 }],
    ['redis', 'redis', { stream: 'a' }],
  ])(
    'are refused by a %s sink, which would name a part as the host',
    async (type, scheme, more) => {
      const load = Object.entries(sinkTypes).find(([name]) => name === type)?.[1];
      const sink = await load?.();
      const make = async () =>
        sink?.create(
          { ...more, url: `${scheme}://u:p@hidden/w@127.0.0.1:1/0` } as never,
          sinkContext(),
        );
      await expect(make()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/^url: percent-encode(?!.*hidden)/),
      });
    },
  );
});
