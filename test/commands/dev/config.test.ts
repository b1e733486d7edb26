import { describe, expect, it } from 'vitest';
import { devConfiguration, hasAdmin, hasToken } from '../../../src/commands/dev/config.js';
import { loadConfig } from '../../../src/config/load.js';

const additions = { port: 8081, token: 'a-token-that-was-made' };
const amended = (value: unknown) => devConfiguration(value, additions);

describe('what dev makes of a configuration', () => {
  it('has an inspector that records, and gives the terminal nothing, where there is none', () => {
    const { config } = loadConfig({
      env: {},
      keepSecrets: false,
      amend: amended,
    });
    expect(config.admin).toMatchObject({
      host: '127.0.0.1',
      port: 8081,
      token: additions.token,
      record: { deliveries: 500, memory: 32 * 1024 * 1024 },
    });
    const plain = loadConfig({ env: {}, keepSecrets: false }).config;
    expect(Object.keys(config.sinks)).toEqual(Object.keys(plain.sinks));
    expect(config.sinks['archive']).toEqual(plain.sinks['archive']);
    expect(config.sinks['terminal']).toEqual({ ...plain.sinks['terminal'], where: { percent: 0 } });
    expect(config.outbox).toEqual(plain.outbox);
  });

  it('leaves what the operator wrote as it is, and adds what is missing', () => {
    const file = {
      sinks: {},
      admin: { host: '::1', port: 1, token: 'mine', record: { deliveries: 9 } },
    };
    expect(amended(file)).toEqual(file);
    expect(amended({ admin: { port: 1 } })).toMatchObject({
      admin: { port: 1, token: additions.token, record: {} },
    });
    expect(amended({ admin: { port: 1 } })).not.toHaveProperty('admin.host');
  });

  it('leaves what is wrong to those who say so', () => {
    expect(amended('text')).toBe('text');
    expect(amended({ admin: null })).toMatchObject({ admin: null });
    expect(amended(null)).toMatchObject({ admin: { port: 8081 } });
  });

  it('knows what the operator decided', () => {
    expect([hasAdmin({ admin: {} }), hasAdmin({}), hasAdmin(undefined)]).toEqual([
      ...[true, false, false],
    ]);
    expect([hasToken({ admin: { token: 'x' } }), hasToken({ admin: {} }), hasToken(null)]).toEqual([
      ...[true, false, false],
    ]);
  });
});
