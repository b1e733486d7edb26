import { describe, expect, it } from 'vitest';
import { load, problemsOf, SECRET } from './support.js';

/** What a refused file is said to have, without the place. */
const refusal = (text: string): string[] =>
  problemsOf(text).map((line) => line.replace(/^trackbridge\.yaml:\d+:\d+: /, ''));

describe('the top level', () => {
  it('names the section that an unknown key probably is', () => {
    expect(refusal('sink: {}')).toEqual(['sink is not known; did you mean "sinks"?']);
    expect(refusal('webhooks: {}')).toEqual([
      'webhooks is not known; known are server, admin, outbox, sources, sinks',
    ]);
  });

  it('does not guess what a section without a value means', () => {
    for (const name of ['server', 'admin', 'outbox', 'sources', 'sinks']) {
      expect(refusal(`${name}:`)).toEqual([
        `${name} has no value: write {} after it, or take it out to get the defaults`,
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
    ['{ trustProxy: yes }', 'server.trustProxy must be true or false'],
    ['{ host: "" }', 'server.host must be a host name or an address without brackets'],
    ['{ bodylimit: 1mb }', 'server.bodylimit is not known; did you mean "bodyLimit"?'],
  ])('%s is refused: %s', (server, line) => {
    expect(refusal(`server: ${server}`)).toEqual([line]);
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
        'admin.token is missing, and other machines can reach this host; set it or admin.jwt, or listen on 127.0.0.1',
      ]);
      expect(() => load(`admin: { host: ${host}, token: ${SECRET} }`)).not.toThrow();
    },
  );

  it('lets other machines in by token or by jwt', () => {
    const jwt = '{ key: "{}", audience: a, algorithms: [RS256] }';
    expect(load(`admin: { host: 0.0.0.0, jwt: ${jwt} }`).config.admin?.jwt).toMatchObject({
      audience: 'a',
    });
    const missing = 'admin.jwt.audience is missing';
    expect(refusal('admin: { jwt: { key: "{}", algorithms: [RS256] } }')).toEqual([missing]);
    expect(refusal('admin: { jwt: { audience: a, algorithms: [RS256] } }')).toEqual([
      'admin.jwt needs either jwks or key',
    ]);
  });

  it('must not take the port of the server, unless both are picked or the hosts differ', () => {
    const line = 'admin.port is that of server.port as well (8080); give it another';
    expect(refusal('admin: { port: 8080 }')).toEqual([line]);
    expect(refusal(`server: { host: 0.0.0.0 }\nadmin: { port: 8080 }`)).toEqual([line]);
    expect(refusal('server: { host: localhost }\nadmin: { port: 8080 }')).toEqual([line]);
    expect(() => load('server: { port: 0 }\nadmin: { port: 0 }')).not.toThrow();
    expect(() => load('server: { host: 127.0.0.2 }\nadmin: { port: 8080 }')).not.toThrow();
    expect(() => load('server: { host: 10.0.0.1 }\nadmin: { port: 8080 }')).not.toThrow();
  });

  it('warns of a short token without showing it, and refuses an empty one', () => {
    expect(load('admin: { token: hunter2 }').warnings).toEqual([
      'admin.token is shorter than 16 bytes; use a random one of 32',
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
      'admin.record.body is not known; known are deliveries, memory',
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
      'outbox.type does not know "sqllite"; did you mean "sqlite"?',
    ]);
    expect(refusal('outbox: { type: jetstream }')).toEqual([
      'outbox.type does not know "jetstream"; known are sqlite, memory',
    ]);
  });

  it('says where an option belongs to another store', () => {
    expect(refusal('outbox: { type: memory, path: x }')).toEqual([
      'outbox.path is an option of type sqlite, not of memory',
    ]);
  });

  it('warns of memory', () => {
    const { config, warnings } = load('outbox: { type: memory, maxPending: 10 }');
    expect(config.outbox).toMatchObject({
      type: 'memory',
      path: '',
      maxPending: 10,
      retention: 604_800_000,
    });
    expect(warnings).toEqual(['outbox is in memory: a restart loses what is pending']);
  });

  it.each([
    ['{ durability: ful }', 'outbox.durability does not know "ful"; did you mean "full"?'],
    ['{ durability: true }', 'outbox.durability must be one of full, normal'],
    ['{ maxPending: 0 }', 'outbox.maxPending must be at least 1'],
    ['{ path: "" }', 'outbox.path must not be empty'],
    [
      '{ retention: forever }',
      'outbox.retention must be a duration such as 250ms, 5s, 10m, 24h or 7d',
    ],
  ])('%s is refused: %s', (outbox, line) => {
    expect(refusal(`outbox: ${outbox}`)).toEqual([line]);
  });
});
