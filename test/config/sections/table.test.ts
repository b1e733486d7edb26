import { describe, expect, it } from 'vitest';
import { load, problemsOf, SECRET } from '../support.js';

/** What a refused file is said to have, without the place. */
const refusal = (text: string): string[] =>
  problemsOf(text).map((line) => line.replace(/^trackbridge\.yaml:\d+:\d+: /, ''));

describe('the top level', () => {
  it('names the section that an unknown key probably is', () => {
    expect(refusal('sink: {}')).toEqual(['sink is not a known section; did you mean "sinks"?']);
    expect(refusal('webhooks: {}')).toEqual([
      'webhooks is not a known section; known are server, admin, outbox, sources, sinks, telemetry, parity',
    ]);
  });

  it('does not guess what a section without a value means', () => {
    for (const name of ['server', 'admin', 'outbox', 'sources', 'sinks']) {
      expect(refusal(`${name}:`)).toEqual([
        `${name} has no value; write {} after it, or remove it to use the defaults`,
      ]);
    }
  });

  it('refuses a section that is no mapping', () => {
    expect(refusal('server: 8080\nsinks: []')).toEqual([
      'server must be a mapping of options',
      'sinks must be a mapping of options',
    ]);
  });

  it('lets editors find the schema', () => {
    expect(() => load('{ "$schema": "./schemas/config.schema.json" }')).not.toThrow();
  });
});

describe('server', () => {
  it.each([
    ['{ budget: 9s }', 'server.budget must be at most 5s'],
    ['{ budget: 0 }', 'server.budget must be at least 1ms'],
    ['{ budget: 0s }', 'server.budget must be at least 1ms'],
    ['{ budget: -1s }', 'server.budget must be a duration such as 250ms, 5s, 10m, 24h or 7d'],
    ['{ budget: 1.5 }', 'server.budget must be a duration such as 250ms, 5s, 10m, 24h or 7d'],
    ['{ bodyLimit: 8mib }', 'server.bodyLimit must be a size such as 512b, 64kb, 8mb or 1gb'],
    ['{ bodyLimit: [] }', 'server.bodyLimit must be a size such as 512b, 64kb, 8mb or 1gb'],
    ['{ queryLimit: 1b }', 'server.queryLimit must be at least 1kb'],
    ['{ port: 65536 }', 'server.port must be at most 65535'],
    ['{ port: .inf }', 'server.port must be a whole number'],
    ['{ trustProxy: yes }', 'server.trustProxy must be true or false or a whole number or a list'],
    ['{ trustProxy: 1.5 }', 'server.trustProxy must be true or false or a whole number or a list'],
    ['{ trustProxy: -1 }', 'server.trustProxy must be at least 0'],
    ['{ trustProxy: [] }', 'server.trustProxy must not be empty'],
    [
      '{ trustProxy: [10.0.0.0/8, loopback] }',
      'server.trustProxy[1] must be an address or a network, such as 10.0.0.1, 10.0.0.0/8 or fd00::/8',
    ],
    ['{ maxConnections: 0 }', 'server.maxConnections must be at least 1'],
    ['{ host: "" }', 'server.host must be a host name or an address without brackets'],
    ['{ bodylimit: 1mb }', 'server.bodylimit is not a known option; did you mean "bodyLimit"?'],
  ])('%s is refused: %s', (server, line) => {
    expect(refusal(`server: ${server}`)).toEqual([line]);
  });

  it.each([
    ['true', true],
    ['false', false],
    ['0', 0],
    ['2', 2],
    ['[10.0.0.0/8, "fd00::/8", 192.0.2.1]', ['10.0.0.0/8', 'fd00::/8', '192.0.2.1']],
  ])('takes %s for trustProxy', (text, trustProxy) => {
    expect(load(`server: { trustProxy: ${text} }`).config.server).toMatchObject({ trustProxy });
  });

  it('takes bare numbers as milliseconds and bytes', () => {
    expect(load('server: { budget: 5000, bodyLimit: 1 }').config.server).toMatchObject({
      budget: 5_000,
      bodyLimit: 1,
    });
  });
});

describe('admin', () => {
  it.each(['127.0.0.1', '127.8.0.1', 'localhost', '"::1"'])('needs no token on %s', (host) => {
    expect(() => load(`admin: { host: ${host} }`)).not.toThrow();
  });

  it.each(['0.0.0.0', '"::"', '10.0.0.1', 'receiver.internal', '127.0.0.1.evil.com'])(
    'needs a token on %s',
    (host) => {
      expect(refusal(`admin: { host: ${host} }`)).toEqual([
        'admin.token is required, because other machines can reach admin.host; set it or admin.jwt, or listen on 127.0.0.1',
      ]);
      expect(() => load(`admin: { host: ${host}, token: ${SECRET} }`)).not.toThrow();
    },
  );

  it('needs a token behind a proxy, which connects from this machine', () => {
    const url = 'https://inspector.example';
    expect(refusal(`admin: { url: ${url} }`)).toEqual([
      'admin.token is required, because whoever reaches the proxy of admin.url reaches this listener; set it or admin.jwt',
    ]);
    expect(load(`admin: { url: ${url}, token: ${SECRET} }`).config.admin).toMatchObject({ url });
    expect(refusal(`admin: { url: inspector.example, token: ${SECRET} }`)).toHaveLength(1);
  });

  it('lets other machines in by token or by jwt', () => {
    const jwt = '{ key: "{}", audience: a, algorithms: [RS256] }';
    expect(load(`admin: { host: 0.0.0.0, jwt: ${jwt} }`).config.admin?.jwt).toMatchObject({
      audience: 'a',
    });
    const missing = 'admin.jwt.audience is required';
    expect(refusal('admin: { jwt: { key: "{}", algorithms: [RS256] } }')).toEqual([missing]);
    expect(refusal('admin: { jwt: { audience: a, algorithms: [RS256] } }')).toEqual([
      'admin.jwt requires either jwks or key',
    ]);
  });

  it('must not take the port of the server, unless both are picked or the hosts differ', () => {
    const line = 'admin.port conflicts with server.port (8080); choose another port';
    expect(refusal('admin: { port: 8080 }')).toEqual([line]);
    expect(refusal(`server: { host: 0.0.0.0 }\nadmin: { port: 8080 }`)).toEqual([line]);
    expect(refusal('server: { host: localhost }\nadmin: { port: 8080 }')).toEqual([line]);
    expect(() => load('server: { port: 0 }\nadmin: { port: 0 }')).not.toThrow();
    expect(() => load('server: { host: 127.0.0.2 }\nadmin: { port: 8080 }')).not.toThrow();
    expect(() => load('server: { host: 10.0.0.1 }\nadmin: { port: 8080 }')).not.toThrow();
  });

  it('warns of a short token without showing it, and refuses an empty one', () => {
    expect(load('admin: { token: hunter2 }').warnings).toEqual([
      'admin.token is shorter than 16 bytes; use 32 random bytes',
    ]);
    expect(refusal('admin: { token: "" }')).toEqual(['admin.token must not be empty']);
  });

  it('records deliveries where it is told to, within limits', () => {
    const admin = (text: string) => load(`admin: ${text}`).config.admin;
    expect(admin('{}')).not.toHaveProperty('record');
    expect(admin('{ record: {} }')?.record).toEqual({ deliveries: 500, memory: 32 * 1024 ** 2 });
    expect(admin('{ record: { deliveries: 7, memory: 1gb } }')?.record).toEqual({
      deliveries: 7,
      memory: 1024 ** 3,
    });
    expect(refusal('admin: { record: { deliveries: 0 } }')).toHaveLength(1);
    expect(refusal('admin: { record: { memory: 1kb } }')).toHaveLength(1);
    expect(refusal('admin: { record: { body: 1kb } }')).toEqual([
      'admin.record.body is not a known option; known are deliveries, memory',
    ]);
  });

  it('redacts by dotted paths', () => {
    const paths = ['context.ip', 'traits.email', 'properties.*.card'];
    expect(load(`admin: { redact: ${JSON.stringify(paths)} }`).config.admin?.redact).toEqual(paths);
    expect(refusal('admin: { redact: [context..ip] }')).toEqual([
      'admin.redact[0] must be a dotted path such as context.ip or properties.*.card',
    ]);
    expect(refusal('admin: { redact: [""] }')).toHaveLength(1);
  });
});

describe('outbox', () => {
  it('refuses a store that is not known', () => {
    expect(refusal('outbox: { type: sqllite }')).toEqual([
      'outbox.type has the unknown value "sqllite"; did you mean "sqlite"?',
    ]);
    expect(refusal('outbox: { type: jetstream }')).toEqual([
      'outbox.type has the unknown value "jetstream"; known are sqlite, postgres, memory',
    ]);
  });

  it('needs what members that share a store agree on', () => {
    const postgres = 'outbox: { type: postgres, url: "postgresql://db/t" }\n';
    const sources = 'sources: {}\n';
    expect(load(`${postgres}${sources}sinks: {}`).config.outbox).toMatchObject({
      schema: 'trackbridge',
      partitions: 256,
      lease: 15_000,
    });
    expect(refusal(`outbox: { type: postgres }\n${sources}sinks: {}`)).toEqual([
      'outbox.url is required',
    ]);
    expect(problemsOf(`${postgres}sinks: {}`, { env: {} })).toEqual([
      expect.stringContaining('sources is missing, and so is SEGMENT_SHARED_SECRET: members that'),
      expect.stringContaining('sources is missing, and so is RUDDERSTACK_SHARED_SECRET: '),
    ]);
    const file = (path: string) => `sinks: { a: { type: file, path: "${path}" } }`;
    expect(refusal(`${postgres}${sources}${file('./e.ndjson')}`)).toEqual([
      expect.stringMatching(/^sinks\.a\.path must contain \{member\}, because/),
    ]);
    expect(() => load(`${postgres}${sources}${file('./e-{member}.ndjson')}`)).not.toThrow();
    const slow = 'sinks: { a: { type: stdout, timeout: 14s } }';
    expect(refusal(`${postgres}${sources}${slow}`)).toEqual([
      'sinks.a.timeout is 14000 ms, longer than 0.8 of outbox.lease (12000 ms); shorten it, or raise outbox.lease',
    ]);
  });

  it('says where an option belongs to another store', () => {
    expect(refusal('outbox: { type: memory, path: x }')).toEqual([
      'outbox.path is an option of type sqlite, not of memory',
    ]);
  });

  it.each([
    ['12h', { age: 43_200_000 }],
    ['{ size: 20gb }', { age: 604_800_000, size: 20 * 1024 ** 3 }],
    ['{ age: 1h, size: 512kb }', { age: 3_600_000, size: 524_288 }],
  ])('takes a retention of %s', (text, retention) => {
    expect(load(`outbox: { retention: ${text} }`).config.outbox.retention).toEqual(retention);
  });

  it('warns of memory', () => {
    const { config, warnings } = load('outbox: { type: memory, maxPending: 10 }');
    expect(config.outbox).toMatchObject({
      type: 'memory',
      path: '',
      maxPending: 10,
      retention: { age: 604_800_000 },
    });
    expect(warnings).toEqual(['outbox is in memory, so a restart loses all pending events']);
  });

  it.each([
    ['{ durability: ful }', 'outbox.durability has the unknown value "ful"; did you mean "full"?'],
    ['{ durability: true }', 'outbox.durability must be one of full, normal'],
    ['{ maxPending: 0 }', 'outbox.maxPending must be at least 1'],
    ['{ path: "" }', 'outbox.path must not be empty'],
    [
      '{ path: ":memory:" }',
      'outbox.path is not a file; set outbox.type to memory to keep events in memory only',
    ],
    ['{ path: ./data/ }', 'outbox.path is a directory; add a file name'],
    [
      '{ retention: { size: 20 GB } }',
      'outbox.retention.size must be a size such as 512b, 64kb, 8mb or 1gb',
    ],
    [
      '{ retention: { sise: 20gb } }',
      'outbox.retention.sise is not a known option; did you mean "size"?',
    ],
    [
      '{ retention: forever }',
      'outbox.retention must be a duration such as 250ms, 5s, 10m, 24h or 7d',
    ],
  ])('%s is refused: %s', (outbox, line) => {
    expect(refusal(`outbox: ${outbox}`)).toEqual([line]);
  });
});
