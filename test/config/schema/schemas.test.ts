import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject, type JsonValue } from '../../../src/core/json.js';

const directory = new URL('../../../schemas/', import.meta.url);
const files = [
  'config.schema.json',
  ...readdirSync(new URL('sinks/', directory)).map((file) => `sinks/${file}`),
];

function read(file: string): JsonObject {
  const schema: unknown = JSON.parse(readFileSync(new URL(file, directory), 'utf8'));
  if (!isObject(schema)) throw new Error(`${file} holds no object`);
  return schema;
}

function strictAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    strictTypes: false,
    strictRequired: false,
  });
  formats.default(ajv);
  ajv.addKeyword({ keyword: 'x-unit', schemaType: 'string' });
  ajv.addKeyword({ keyword: 'x-expect', schemaType: 'string' });
  ajv.addKeyword({ keyword: 'x-defaults', schemaType: 'object' });
  return ajv;
}

/** Every option of a schema, by path; conditions (if, else) only repeat what `properties` describes. */
function optionsOf(
  schema: JsonValue | undefined,
  root: JsonObject,
  path: string,
): [string, JsonObject][] {
  if (!isObject(schema)) return [];
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  return properties.flatMap(([name, option]): [string, JsonObject][] => {
    if (!isObject(option)) return [];
    const full = { ...target(option, root), ...option };
    return [[`${path}.${name}`, full], ...optionsOf(option, root, `${path}.${name}`)];
  });
}

function target(option: JsonObject, root: JsonObject): JsonObject {
  const steps = /^#\/(.+)$/.exec(String(option['$ref'] ?? ''))?.[1]?.split('/') ?? [];
  const found = steps.reduce<JsonValue | undefined>(
    (at, step) => (isObject(at) ? at[step] : undefined),
    root,
  );
  return steps.length > 0 && isObject(found) ? found : {};
}

describe.each(files)('schemas/%s', (file) => {
  const schema = read(file);

  it('is a valid JSON Schema of 2020-12', () => {
    expect(() => strictAjv().compile(schema)).not.toThrow();
    expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
  });

  it('describes every option', () => {
    const definitions = Object.entries(isObject(schema['$defs']) ? schema['$defs'] : {});
    const options = [['', schema] as const, ...definitions].flatMap(([name, part]) =>
      optionsOf(part, schema, name),
    );
    expect(options.length).toBeGreaterThan(0);
    const silent = options.filter(([, option]) => typeof option['description'] !== 'string');
    expect(silent.map(([path]) => path)).toEqual([]);
  });
});

describe('schemas/config.schema.json in an editor', () => {
  const validate = strictAjv().compile(read('config.schema.json'));

  it('takes what the program takes', () => {
    const none = { scheme: 'none' };
    const accepted = [
      {},
      { server: { budget: '1s', bodyLimit: 5 }, outbox: { type: 'memory' }, sinks: {} },
      { outbox: { retention: { age: '7d', size: '20gb' } } },
      {
        outbox: { path: 'x' },
        sources: { a: { type: 'rudderstack', query: {}, verify: [none, none] } },
      },
      { sinks: { a: { type: 'stdout', format: 'json' }, b: { type: 'file', path: 'x' } } },
      {
        sources: {
          a: { type: 'segment', verify: { scheme: 'jwt', key: 'x', algorithms: ['HS256'] } },
        },
      },
    ];
    for (const config of accepted)
      expect([config, validate(config), validate.errors]).toEqual([config, true, null]);
  });

  it('marks what the program refuses', () => {
    const refused = [
      { sink: {} },
      { server: { port: -1 } },
      { outbox: { type: 'memory', path: 'x' } },
      { outbox: { retention: { size: 1.5 } } },
      { sources: { a: { type: 'segment' } } },
      { sources: { a: { type: 'segment', query: {}, verify: { scheme: 'none' } } } },
      { sources: { a: { type: 'segment', verify: { scheme: 'hmac' } } } },
      { sources: { a: { type: 'segment', verify: [] } } },
      { sources: { '-': { type: 'segment', verify: { scheme: 'none' } } } },
      { sinks: { a: { type: 'file', path: 'x', format: 'json' } } },
    ];
    for (const config of refused) expect([config, validate(config)]).toEqual([config, false]);
  });
});
