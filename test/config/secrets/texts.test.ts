import { describe, expect, it } from 'vitest';
import { secretTexts } from '../../../src/config/secrets/texts.js';
import { fromObject } from '../support.js';

const JWT = { algorithms: ['HS256'], audience: 'a' };

describe('the texts of a configuration that must not be shown', () => {
  it('are what authenticates deliveries and operators, of any length', () => {
    const { config } = fromObject({
      admin: { token: 'admin', jwt: { ...JWT, key: 'admin-key' } },
      sources: {
        segment: {
          type: 'segment',
          path: '/s',
          verify: [
            { scheme: 'segment-signature', secrets: ['one', 'two'] },
            { scheme: 'basic', users: ['user:pass'] },
            { scheme: 'jwt', key: 'shared-key', ...JWT },
          ],
        },
        web: { type: 'tracking-api', path: '/', writeKeys: { 'the-key': 'shop' } },
      },
      sinks: {},
    });
    expect(secretTexts(config).sort()).toEqual(
      ['admin', 'admin-key', 'one', 'two', 'user:pass', 'pass', 'shared-key', 'the-key'].sort(),
    );
  });

  it('are the password of a shared store, also with several hosts', () => {
    const { config } = fromObject({
      outbox: { type: 'postgres', url: 'postgresql://user:pass-word@a:5432,b:5432/db' },
      sources: {},
      sinks: {},
    });
    expect(secretTexts(config)).toEqual(['pass-word']);
  });

  it('are no public keys', () => {
    const { config } = fromObject({
      sources: {
        a: {
          type: 'segment',
          path: '/s',
          verify: { scheme: 'jwt', key: '{}', audience: 'a', algorithms: ['RS256'] },
        },
      },
      sinks: {},
    });
    expect(secretTexts(config)).toEqual([]);
  });

  it('are what sinks authenticate themselves with, and no words of their options', () => {
    const { config } = fromObject({
      sources: {},
      sinks: {
        hook: {
          type: 'http',
          url: 'https://user:pass%2Fword@example.com/hook?key=in-the-query&plain',
          headers: {
            authorization: 'Bearer the-bearer-of-it',
            accept: 'application/json',
            'x-short': 'short',
          },
          sign: { scheme: 'segment-signature', secret: 'the-signing-secret' },
        },
      },
    });
    expect(secretTexts(config).sort()).toEqual(
      [
        ...['Bearer the-bearer-of-it', 'the-bearer-of-it', 'the-signing-secret'],
        ...['in-the-query', 'pass%2Fword', 'pass/word'],
      ].sort(),
    );
  });
});
