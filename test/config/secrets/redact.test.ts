import { describe, expect, it } from 'vitest';
import { redactConfig } from '../../../src/config/secrets/redact.js';
import { fromObject } from '../support.js';

describe('redactConfig', () => {
  it('shows no secret of any section', () => {
    const hidden = 'hunter2hunter2hunter2';
    const { config } = fromObject({
      admin: { token: hidden },
      sources: {
        a: {
          type: 'segment',
          verify: [
            { scheme: 'segment-signature', secrets: [hidden] },
            { scheme: 'basic', secrets: [`u:${hidden}`] },
            { scheme: 'write-key', secrets: [hidden] },
            { scheme: 'jwt', key: hidden, algorithms: ['HS256'] },
          ],
        },
        sdk: {
          type: 'tracking-api',
          writeKeys: [hidden],
          oauth: { secret: hidden, clients: [{ id: 'app', key: hidden }] },
        },
      },
      sinks: {
        web: {
          type: 'http',
          url: `https://u:${hidden}@example.com/hook?token=${hidden}#${hidden}`,
          headers: { 'x-api': hidden },
          sign: { scheme: 'standard-webhooks', secret: hidden },
        },
        own: {
          type: 'module',
          path: 'm.mjs',
          options: {
            apiKey: hidden,
            PASSWORD: hidden,
            nested: [{ accessToken: { deep: [hidden] } }],
            dsn: `postgres://u:p@ss@${hidden}`,
            broker: `amqp://u:${hidden}@mq/vhost`,
          },
        },
      },
    });
    const redacted = redactConfig(config);
    expect(JSON.stringify(redacted)).not.toContain('hunter2');
    expect(redacted['sinks']).toMatchObject({
      web: { options: { url: 'https://***@example.com/hook?***', headers: { 'x-api': '***' } } },
      own: { options: { options: { broker: 'amqp://***@mq/vhost' } } },
    });
  });

  it('leaves everything else as it is, and the configuration untouched', () => {
    const { config } = fromObject({
      sources: { token: { type: 'segment', verify: { scheme: 'none' } } },
      sinks: { a: { type: 'http', url: 'https://example.com/hook' } },
    });
    const before = structuredClone(config);
    expect(redactConfig(config)).toEqual(before);
    expect(config).toEqual(before);
  });
});
