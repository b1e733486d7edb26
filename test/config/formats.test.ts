import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterEach, describe, expect, it, vi } from 'vitest';

const FORMATS = ['uri', 'hostname', 'ipv6', 'email', 'date-time'];

/** Values that nothing but a format refuses. */
const CONFIGURATIONS: readonly (readonly [string, object])[] = [
  ['a URL with a space', { sinks: { a: { type: 'http', url: 'http://example.com/a b' } } }],
  ['a URL with a bad escape', { sinks: { a: { type: 'http', url: 'http://example.com/%zz' } } }],
  [
    'a broken endpoint',
    { sinks: { a: { type: 'segment', writeKey: 'k', endpoint: 'https://[' } } },
  ],
  ['a broken broker URL', { sinks: { a: { type: 'redis', url: 'redis://h ost' } } }],
  ['a host with an empty label', { server: { host: 'a..b' } }],
  ['a host that begins with a hyphen', { server: { host: '-a' } }],
  ['an address with too many colons', { server: { host: '1:2:3:4:5:6:7:8:9' } }],
];
const SPECIFICATION: readonly (readonly [string, string])[] = [
  ['email', 'nobody'],
  ['website', 'no where'],
  ['createdAt', 'yesterday'],
];

async function isRefused(configuration: object): Promise<boolean> {
  const { configFromObject } = await import('../../src/config/load.js');
  const env = { SEGMENT_SHARED_SECRET: 'x'.repeat(32), RUDDERSTACK_SHARED_SECRET: 'y'.repeat(32) };
  try {
    configFromObject(configuration, env, { keepSecrets: false });
    return false;
  } catch {
    return true;
  }
}

/** Whether the traits of the vendors' specifications allow a value. */
function allows(add: (ajv: Ajv2020) => void, trait: string, value: string): boolean {
  const file = new URL('../../schemas/spec.schema.json', import.meta.url);
  const ajv = new Ajv2020({ strict: false });
  add(ajv);
  ajv.addSchema(JSON.parse(readFileSync(file, 'utf8')), 'spec');
  return ajv.getSchema('spec#/$defs/traits')?.({ [trait]: value }) === true;
}

const stub = (ajv: Ajv2020): void => {
  for (const format of FORMATS) ajv.addFormat(format, true);
};

describe('ajv-formats', () => {
  afterEach(() => {
    vi.doUnmock('ajv-formats');
    vi.resetModules();
  });

  it.each(CONFIGURATIONS)('refuses %s, and nothing else does', async (_what, configuration) => {
    expect(await isRefused(configuration)).toBe(true);
    vi.resetModules();
    vi.doMock('ajv-formats', () => ({ default: { default: stub } }));
    expect(await isRefused(configuration)).toBe(false);
  });

  it.each(SPECIFICATION)('tells that a trait %s is not %j', (trait, value) => {
    expect(allows((ajv) => addFormats.default(ajv), trait, value)).toBe(false);
    expect(allows(stub, trait, value)).toBe(true);
  });

  it.each(['localhost', '0.0.0.0', '::', '::1', 'fe80::1%eth0', 'receiver.example.com', 'web-1'])(
    'accepts the host %s',
    async (host) => {
      expect(await isRefused({ server: { host } })).toBe(false);
    },
  );
});
