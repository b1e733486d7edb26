import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../../src/event/event.js';
import { load, problemsOf, source } from '../support.js';

const plain = (lines: string[]): string[] =>
  lines.map((line) => line.replace(/^trackbridge\.yaml:\d+:\d+: /, ''));
const refusal = (options: string): string[] => plain(problemsOf(source(options)));
const KEYS = 'writeKeys: [a-write-key-of-some-length]';
const SECRET = 'a-secret-of-thirty-two-bytes-000';
const open = (options: string): string =>
  options.includes(KEYS) ? `{ ${options} }` : `{ verify: { scheme: none }, ${options} }`;
const two = (a: string, b: string): string => `sources:\n  a: ${open(a)}\n  b: ${open(b)}\n`;

describe('sources', () => {
  it('may be none, with a warning', () => {
    const { config, warnings } = load('sources: {}');
    expect(config.sources).toEqual({});
    expect(warnings).toEqual(['there are no sources: nothing can be received']);
  });

  it.each(['_a', '"a b"', '""', '"a/b"', 'constructor.x', `${'x'.repeat(65)}`])(
    'cannot be named %s',
    (name) => {
      const [line] = plain(
        problemsOf(`sources: { ${name}: { type: segment, verify: { scheme: none } } }`),
      );
      expect(line).toMatch(/is not a valid name; use 1 to 64 letters/);
    },
  );

  it('cannot be named __proto__, and nothing is polluted', () => {
    const lines = problemsOf('sources: { __proto__: { type: segment, polluted: yes } }');
    expect(lines[0]).toMatch(/sources\.__proto__ is not allowed as a name$/);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('may have the names of object members', () => {
    const { sources } = load(
      'sources: { constructor: { type: segment, verify: { scheme: none } } }',
    ).config;
    expect(Object.entries(sources)).toMatchObject([['constructor', { path: '/segment' }]]);
  });

  it.each([
    [
      'untyped: { as: trak }',
      'sources.s.untyped.as has the unknown event type "trak"; did you mean "track"?',
    ],
    ['untyped: {}', 'sources.s.untyped.as is required'],
    ['query: { types: spec }', 'sources.s.query is an option of type rudderstack, not of segment'],
    [
      'retry: {}',
      'sources.s.retry is not a known option; known are type, path, verify, untyped, dedupeGroup, rateLimit, ack, cors, extraTypes, require, onUnauthenticated, unauthenticatedLimit',
    ],
    ['ack: deliverd', 'sources.s.ack has the unknown value "deliverd"; did you mean "delivered"?'],
    ['rateLimit: { perSecond: 0 }', 'sources.s.rateLimit.perSecond must be more than 0'],
    ['rateLimit: { burst: 5 }', 'sources.s.rateLimit.perSecond is required'],
    [
      'cors: { origins: ["https://a.com/"] }',
      'sources.s.cors.origins[0] must be * or an origin such as https://example.com, without a path',
    ],
    ['cors: { origins: [] }', 'sources.s.cors.origins must not be empty'],
    [
      'extraTypes: [Merge]',
      'sources.s.extraTypes[0] must be 1 to 64 lower-case letters, digits, - and _',
    ],
    [
      'path: segment',
      'sources.s.path must be a URL path such as /segment, of letters, digits and . _ ~ -',
    ],
    [
      'path: "/a?b"',
      'sources.s.path must be a URL path such as /segment, of letters, digits and . _ ~ -',
    ],
    [
      'path: /a//b',
      'sources.s.path must be a URL path such as /segment, of letters, digits and . _ ~ -',
    ],
    ['path: /a/../b', 'sources.s.path must not contain . or .. as a segment'],
    ['path: /readyz/', 'sources.s.path is /readyz, which answers health probes; choose another'],
  ])('%s is refused: %s', (options, line) => {
    expect(refusal(options)).toEqual([line]);
  });

  it('of an unknown type are refused', () => {
    expect(
      plain(problemsOf('sources: { s: { type: webhook-sourc, verify: { scheme: none } } }')),
    ).toEqual([
      'sources.s.type has the unknown value "webhook-sourc"; did you mean "webhook-source"?',
    ]);
    expect(plain(problemsOf('sources: { s: { verify: { scheme: none } } }'))).toEqual([
      'sources.s.type is required; it must be one of segment, rudderstack, tracking-api, webhook-source',
    ]);
  });

  it('know every event type, and the ones they add', () => {
    for (const type of [...EVENT_TYPES, 'merge']) {
      const options = `extraTypes: [merge], untyped: { as: ${type} }`;
      expect(load(source(options)).config.sources['s']).toMatchObject({ untyped: { as: type } });
    }
  });

  it('get a burst of what they may a second, and at least 1', () => {
    const burst = (limit: string) =>
      load(source(`rateLimit: ${limit}`)).config.sources['s']?.rateLimit?.burst;
    expect(burst('{ perSecond: 10.5 }')).toBe(11);
    expect(burst('{ perSecond: 0.1 }')).toBe(1);
    expect(burst('{ perSecond: 10, burst: 3 }')).toBe(3);
  });

  it('have their path without a slash at the end', () => {
    expect(load(source('path: /in/segment/')).config.sources['s']?.path).toBe('/in/segment');
    expect(load(source('path: /')).config.sources['s']?.path).toBe('/');
  });
});

describe('the paths of sources', () => {
  it.each([
    [
      'type: segment',
      'type: segment',
      'sources.b.path conflicts with source a, which also receives on /segment',
    ],
    [
      'type: segment, path: /x/',
      'type: rudderstack, path: /x',
      'sources.b.path conflicts with source a, which also receives on /x',
    ],
    [
      'type: rudderstack, path: /x',
      'type: segment, path: /x/y',
      'sources.b.path conflicts with source a on /x, which also receives on /x/y',
    ],
    [
      'type: segment, path: /x/y',
      'type: rudderstack, path: /x',
      'sources.b.path conflicts with source a on /x/y, where this source receives too',
    ],
    [
      'type: rudderstack, path: /',
      'type: segment',
      'sources.b.path conflicts with source a on /, which also receives on /segment',
    ],
    [
      `type: webhook-source, ${KEYS}`,
      'type: segment, path: /v1/webhook',
      'sources.b.path conflicts with source a, which also receives on /v1/webhook',
    ],
    [
      `type: tracking-api, ${KEYS}, oauth: { secret: ${SECRET}, clients: [{ id: a, key: b }] }`,
      'type: segment, path: /token',
      'sources.b.path conflicts with source a on /, which also receives on /token',
    ],
    [
      `type: webhook-source, ${KEYS}`,
      'type: rudderstack, path: /v1',
      'sources.b.path conflicts with source a on /v1/webhook, where this source receives too',
    ],
  ])('%s and %s get into each other', (a, b, line) => {
    expect(plain(problemsOf(two(a, b)))).toEqual([line]);
  });

  it.each([
    ['type: rudderstack, path: /x', 'type: segment, path: /xy'],
    ['type: segment, path: /x', 'type: rudderstack, path: /x/y'],
    [`type: tracking-api, ${KEYS}`, `type: webhook-source, ${KEYS}`],
    [`type: webhook-source, path: /x, ${KEYS}`, 'type: segment, path: /x'],
    [`type: tracking-api, ${KEYS}`, 'type: segment, path: /token'],
  ])('%s and %s do not', (a, b) => {
    expect(() => load(two(a, b))).not.toThrow();
  });
});

describe('oauth', () => {
  const sdk = (options: string): string =>
    `sources:\n  s: { type: tracking-api, ${KEYS}, oauth: { ${options} } }\n`;
  const CLIENTS = 'clients: [{ id: app, key: a-key }]';

  it('has defaults', () => {
    const { config, warnings } = load(sdk(`secret: ${SECRET}, ${CLIENTS}`));
    expect(Object(config.sources['s']).oauth).toEqual({
      secret: SECRET,
      previousSecrets: [],
      clients: [{ id: 'app', key: 'a-key', algorithms: ['RS256'] }],
      lifetime: 86_400_000,
      required: false,
    });
    expect(warnings).toEqual([]);
  });

  it('warns of a secret that can be guessed', () => {
    const options = `secret: guess, previousSecrets: [${SECRET}, old], ${CLIENTS}`;
    expect(load(sdk(options)).warnings).toEqual([
      expect.stringMatching(/sources\.s\.oauth\.secret is shorter than 16 bytes/),
      expect.stringMatching(/sources\.s\.oauth\.previousSecrets\[1\] is shorter than 16 bytes/),
    ]);
  });

  it.each([
    [CLIENTS, 'sources.s.oauth.secret is required'],
    [`secret: ${SECRET}`, 'sources.s.oauth.clients is required'],
    [`secret: ${SECRET}, clients: []`, 'sources.s.oauth.clients must not be empty'],
    [
      `secret: ${SECRET}, ${CLIENTS}, lifetime: 10s`,
      'sources.s.oauth.lifetime must be at least 1m',
    ],
    [
      `secret: ${SECRET}, clients: [{ id: app, key: k, algorithms: [HS256] }]`,
      'sources.s.oauth.clients[0].algorithms[0] has the unknown value "HS256"; did you mean "RS256"?',
    ],
  ])('is refused: %s', (options, line) => {
    expect(plain(problemsOf(sdk(options)))).toEqual([line]);
  });
});
