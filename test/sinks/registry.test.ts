import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { sinkTypes } from '../../src/sinks/registry.js';

const directory = new URL('../../schemas/sinks/', import.meta.url);
const schemaOf = (type: string) =>
  JSON.parse(readFileSync(new URL(`${type}.schema.json`, directory), 'utf8'));

/** Knows what the configuration's own validator knows, and fills in defaults. */
function validator(): Ajv2020 {
  const ajv = new Ajv2020({
    keywords: ['x-unit', 'x-expect', 'x-defaults'],
    allowUnionTypes: true,
    useDefaults: true,
  });
  formats.default(ajv);
  return ajv;
}

/** Every `properties` entry of a schema, at any depth. */
function optionsOf(schema: unknown): unknown[] {
  const properties = Object(Object(schema).properties);
  return Object.values(properties).flatMap((option) => [option, ...optionsOf(option)]);
}

describe('the registry', () => {
  it('has a schema for every sink, and a sink for every schema', () => {
    const schemas = readdirSync(directory).map((file) => file.replace('.schema.json', ''));
    expect(schemas.sort()).toEqual(Object.keys(sinkTypes).sort());
  });

  it.each(Object.entries(sinkTypes))(
    'describes every option of %s, and knows no others',
    async (type, load) => {
      const sink = await load();
      expect(sink.type).toBe(type);
      const schema = schemaOf(type);
      for (const option of optionsOf(schema)) {
        expect(option).toMatchObject({
          title: expect.any(String),
          description: expect.any(String),
        });
      }
      expect(validator().compile(schema)({ surprise: 1 })).toBe(false);
    },
  );

  it.each([
    ['stdout', {}, { format: 'pretty' }],
    [
      'file',
      { path: 'x', rotate: { size: '1mb' } },
      { path: 'x', rotate: { size: '1mb', keep: 5 } },
    ],
    [
      'http',
      { url: 'https://x/' },
      {
        url: 'https://x/',
        method: 'POST',
        headers: {},
        body: 'event',
        compression: 'none',
        success: [],
        retryOn: [],
        dropOn: [],
        allowPrivateAddresses: false,
      },
    ],
    [
      'redis',
      { url: 'redis://x' },
      { url: 'redis://x', stream: 'events', deduplicate: false, dedupeWindow: '24h' },
    ],
    [
      'nats',
      { servers: 'nats://x' },
      {
        servers: 'nats://x',
        subject: 'events.{type}',
        jetstream: true,
        createStream: false,
        dedupeWindow: '1h',
      },
    ],
    ['module', { path: './x.mjs' }, { path: './x.mjs', options: {} }],
  ])('fills the defaults of %s', (type, options, filled) => {
    const ajv = validator();
    const copy = structuredClone(options);
    expect(ajv.validate(schemaOf(type), copy)).toBe(true);
    expect(copy).toEqual(filled);
  });
});
