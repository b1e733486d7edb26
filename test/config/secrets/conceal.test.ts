import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fromObject } from '../support.js';

const CANARY = 'canary-of-the-configuration';

/** Everything that holds a secret holds the same one. */
const { config } = fromObject({
  admin: { token: CANARY },
  sources: {
    again: { type: 'segment', path: '/again', verify: { scheme: 'none' } },
    a: { type: 'segment', path: '/a', verify: { scheme: 'segment-signature', secrets: [CANARY] } },
    b: { type: 'rudderstack', path: '/b', verify: { scheme: 'basic', users: [`u:${CANARY}`] } },
  },
  sinks: {
    far: {
      type: 'http',
      url: `https://u:${CANARY}@example.com/hook?key=${CANARY}`,
      headers: { 'x-any': CANARY },
      sign: { scheme: 'standard-webhooks', secret: CANARY },
    },
    own: { type: 'module', path: './own.mjs', options: { password: CANARY, label: 'mine' } },
  },
});
const far = config.sinks['far'];
const own = config.sinks['own'];

/** Every way in which a value gets into a text without anybody meaning to. */
const printed = (value: unknown): string =>
  [
    inspect(value, { depth: null, showHidden: true }),
    inspect({ deep: { inside: [value] } }, { depth: null }),
    JSON.stringify(value),
    JSON.stringify({ inside: [value] }),
    inspect(new Error('why', { cause: value })),
    inspect(Object.assign(new Error('why'), { value })),
  ].join('\n');

describe('a configuration that is printed', () => {
  it.each([
    ['as a whole', config],
    ['a section', config.admin],
    ['the sources', config.sources],
    ['a scheme', config.sources['a']?.verify[0]],
    ['the list of schemes', config.sources['b']?.verify],
    ['a sink', far],
    ['the options of a sink', far?.options],
    ['its headers', far?.options['headers']],
    ['its signing', far?.options['sign']],
    ['the sink of a module', own],
  ])('shows no secret: %s', (_what, value) => {
    expect(value).toBeDefined();
    expect(printed(value)).not.toContain(CANARY);
    expect(printed(value)).toContain('***');
  });

  it('shows what is none', () => {
    expect(printed(config)).toContain('https://***@example.com/hook?***');
    expect(inspect(config, { depth: null })).toContain("'x-any': '***'");
    expect(JSON.parse(JSON.stringify(config.server))).toMatchObject({ host: '127.0.0.1' });
  });

  it('still holds the secrets for those who use them, and as a copy', () => {
    expect(config.admin?.token).toBe(CANARY);
    expect(structuredClone(config).admin?.token).toBe(CANARY);
    expect({ ...far?.options }['url']).toContain(CANARY);
  });

  it('leaves what belongs to a module as it was written, which may serialize it', () => {
    expect(JSON.parse(JSON.stringify(own?.options['options']))).toEqual({
      password: CANARY,
      label: 'mine',
    });
  });

  it('is made anew from the same object as often as wanted', () => {
    const value = { sources: { s: { type: 'segment', path: '/s', verify: { scheme: 'none' } } } };
    expect(() => [fromObject(value), fromObject(value)]).not.toThrow();
  });
});
