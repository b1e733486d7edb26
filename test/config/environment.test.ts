import { describe, expect, it } from 'vitest';
import { configErrorOf, ENV, fromObject, load, problemsOf } from './support.js';

describe('HOST and PORT', () => {
  const env = { ...ENV, HOST: '0.0.0.0', PORT: '9999' };

  it('hold where neither the file nor the command line says otherwise', () => {
    expect(load('', { env }).config.server).toMatchObject({ host: '0.0.0.0', port: 9999 });
    const file = 'server: { host: 127.0.0.2, port: 1 }';
    expect(load(file, { env }).config.server).toMatchObject({ host: '127.0.0.2', port: 1 });
    const overrides = { host: '::1', port: 0 };
    expect(load(file, { env, overrides }).config.server).toMatchObject(overrides);
  });

  it('are ignored where empty, and the command line where undefined', () => {
    const empty = { ...ENV, HOST: '', PORT: '' };
    const { server } = load('', {
      env: empty,
      overrides: { host: undefined, port: undefined },
    }).config;
    expect(server).toMatchObject({ host: '127.0.0.1', port: 8080 });
  });

  it.each(['http', '-1', '65536', '80.5', 'tcp://10.0.0.1:80', '0x50', ' 80', '8e1'])(
    'are refused by name: PORT=%j',
    (PORT) => {
      const [line] = problemsOf('sinks: {}', { env: { ...ENV, PORT } });
      expect(line).toMatch(/^server\.port must be .*, which PORT is not$/);
    },
  );

  it('are refused by name on the command line', () => {
    expect(problemsOf('server: { port: 80 }', { overrides: { port: Number.NaN } })).toEqual([
      'server.port must be a whole number, which --port is not',
    ]);
    expect(problemsOf('', { overrides: { host: '[::1]' } })).toEqual([
      'server.host must be a host name or an address without brackets, which --host is not',
    ]);
  });
});

describe('LOG_LEVEL', () => {
  it('is info where unset or empty, and may be in capitals', () => {
    expect(fromObject({}).logLevel).toBe('info');
    expect(fromObject({}, { ...ENV, LOG_LEVEL: '' }).logLevel).toBe('info');
    expect(fromObject({}, { ...ENV, LOG_LEVEL: 'WARN' }).logLevel).toBe('warn');
    expect(fromObject({}, { ...ENV, LOG_LEVEL: 'silent' }).logLevel).toBe('silent');
  });

  it('is refused where it is no level, with the levels there are', () => {
    expect(configErrorOf(() => fromObject({}, { ...ENV, LOG_LEVEL: 'loud' })).message).toBe(
      'LOG_LEVEL in the environment must be one of trace, debug, info, warn, error, fatal, silent; set one of them',
    );
  });
});
