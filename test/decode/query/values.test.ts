import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/decode/limits.js';
import { decodeQuery } from '../../../src/decode/query/parse.js';
import { createSpecTypes, type SpecTypes } from '../../../src/decode/query/spec-types.js';
import { inferValue, specValue } from '../../../src/decode/query/values.js';
import { goNumber } from '../rudderstack-encoder.js';
import { queryOf, wireCases } from '../wire-cases.js';

const shipped = JSON.parse(
  readFileSync(new URL('../../../schemas/spec.schema.json', import.meta.url), 'utf8'),
) as object;

function decodeSpec(query: string, spec: SpecTypes) {
  return decodeQuery(query, { types: 'spec', spec, limits: LIMITS }).value;
}

describe('infer', () => {
  it.each([
    ['true', true],
    ['false', false],
    ['<nil>', null],
    ['[]', []],
    ['{}', {}],
    ['0', 0],
    ['-3', -3],
    ['60', 60],
    ['4.99', 4.99],
    ['999999.5', 999999.5],
    ['1e+06', 1_000_000],
    ['9.466052e+06', 9_466_052],
    ['1.587542780337e+12', 1_587_542_780_337],
    ['0.0001', 0.0001],
    ['1e-05', 0.00001],
    ['1e+21', 1e21],
    ['5e-324', 5e-324],
    ['1.7976931348623157e+308', Number.MAX_VALUE],
  ])('takes %s for what the sender prints so', (text, value) => {
    expect(inferValue(text)).toStrictEqual(value);
  });

  it.each([
    '007',
    '1.0',
    '+1',
    '-0',
    '1000000',
    '9466052',
    '1e6',
    '1e+6',
    '1E+06',
    '0.00001',
    '.5',
    '5.',
    ' 5',
    '',
    'NaN',
    'Inf',
    '+Inf',
    'Infinity',
    '1e+999',
    '0x10',
    'True',
    'null',
    '[1]',
    '1_000',
    '٣',
  ])('leaves %j a string', (text) => {
    expect(inferValue(text)).toBe(text);
  });

  it('reads back every number that the sender can print', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(inferValue(goNumber(number))).toBe(number === 0 ? 0 : number);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('spec', () => {
  it.each([
    ['60', ['number'], 60],
    ['9.466052e+06', ['number'], 9_466_052],
    ['1000000', ['number'], 1_000_000],
    ['1.0', ['integer'], 1],
    ['1.5', ['integer'], '1.5'],
    ['-0', ['number'], 0],
    ['1e999', ['number'], '1e999'],
    ['007', ['number'], '007'],
    ['free', ['number'], 'free'],
    ['true', ['boolean'], true],
    ['yes', ['boolean'], 'yes'],
    ['60', ['string'], '60'],
    ['60', [], '60'],
    ['60', ['number', 'string'], 60],
    ['60', ['string', 'number'], '60'],
    ['true', ['number', 'boolean'], true],
    ['<nil>', ['number'], null],
    ['<nil>', ['string'], '<nil>'],
    ['<nil>', ['string', 'null'], null],
    ['<nil>', [], '<nil>'],
    ['[]', ['array'], []],
    ['[]', ['object'], '[]'],
    ['{}', ['object'], {}],
    ['{}', [], '{}'],
  ] as const)('makes %j in a field of %j into %j', (text, types, value) => {
    expect(specValue(text, types)).toStrictEqual(value);
  });

  it('gives the well-known fields of an order their types and leaves identifiers alone', () => {
    const query = [
      'order_id=50314&revenue=1.2e%2B06&total=60&coupon=007&currency=USD&custom=12&tax=%3Cnil%3E',
      'products[0].price=40&products[0].sku=1e%2B06&products[0].quantity=2&from_background=true',
      'keywords[0]=1&filters=[]',
    ].join('&');
    expect(decodeSpec(query, createSpecTypes(shipped, 'properties'))).toEqual({
      order_id: '50314',
      revenue: 1_200_000,
      total: 60,
      coupon: '007',
      currency: 'USD',
      custom: '12',
      tax: null,
      products: [{ price: 40, sku: '1e+06', quantity: 2 }],
      from_background: true,
      keywords: ['1'],
      filters: [],
    });
  });

  it('gives the well-known traits their types', () => {
    const query =
      'age=32&phone=5551234&createdAt=2020&address.postalCode=01234&company.employee_count=7&employees=8&address.x={}';
    expect(decodeSpec(query, createSpecTypes(shipped, 'traits'))).toEqual({
      age: 32,
      phone: '5551234',
      createdAt: '2020',
      address: { postalCode: '01234', x: '{}' },
      company: { employee_count: 7 },
      employees: 8,
    });
  });

  it.each(wireCases().filter(({ delivery }) => delivery.body === ''))(
    'types what the schema knows, and nothing else: $name',
    ({ delivery }) => {
      const query = queryOf(delivery);
      const spec = decodeSpec(query, createSpecTypes(shipped, 'properties'));
      const strings = decodeQuery(query, { types: 'strings', limits: LIMITS }).value;
      if (!delivery.requestUri.includes('products')) return expect(spec).toEqual(strings);
      const all = strings as Record<string, unknown>;
      expect(spec).toEqual({
        ...all,
        price: 60,
        products: [{ id: 'p1', price: 40 }, (all['products'] as unknown[])[1]],
      });
    },
  );
});

describe('a schema of types', () => {
  const schema = {
    properties: {
      id: { $ref: '#/$defs/id' },
      list: { type: 'array', items: { type: 'integer' }, prefixItems: [{ type: 'boolean' }] },
      either: { anyOf: [{ type: 'integer' }, { type: 'boolean' }] },
      merged: {
        allOf: [
          { properties: { n: { type: 'number' } } },
          { properties: { b: { type: 'boolean' } } },
        ],
      },
      rates: { additionalProperties: { type: 'number' } },
      one: { const: 1 },
      some: { enum: [true, null] },
      mixed: { enum: ['a', [], {}, 1], const: 'a' },
      node: { $ref: '#/$defs/node' },
      loop: { $ref: '#/$defs/loop' },
      broken: { $ref: '#/$defs/none' },
      far: { $ref: 'https://schemas.example/x' },
      any: true,
    },
    $defs: {
      id: { type: 'string' },
      node: { properties: { n: { type: 'number' }, next: { $ref: '#/$defs/node' } } },
      loop: { $ref: '#/$defs/loop' },
      'a/b~c': { type: 'number' },
    },
  };

  it('follows references, lists, alternatives and maps', () => {
    const types = createSpecTypes(schema);
    expect(types.types).toEqual(['object']);
    expect(types.member('id').types).toEqual(['string']);
    expect(types.member('list').types).toEqual(['array']);
    expect(types.member('list').item(0).types).toEqual(['boolean']);
    expect(types.member('list').item(1).types).toEqual(['integer']);
    expect(types.member('either').types).toEqual(['integer', 'boolean']);
    expect(types.member('merged').member('n').types).toEqual(['number']);
    expect(types.member('merged').member('b').types).toEqual(['boolean']);
    expect(types.member('rates').member('eur').types).toEqual(['number']);
    expect(types.member('rates').member('usd').types).toEqual(['number']);
    expect(types.member('one').types).toEqual(['number']);
    expect(types.member('some').types).toEqual(['boolean', 'null']);
    expect(types.member('mixed').types).toEqual(['string', 'array', 'object', 'number']);
    const below = types.member('node').member('next').member('next').member('n');
    expect(below.types).toEqual(['number']);
    const escaped = createSpecTypes({ ...schema, $ref: '#/$defs/a~1b~0c' });
    expect(escaped.types).toContain('number');
  });

  it.each(['loop', 'broken', 'far', 'any', 'absent', 'toString', '__proto__'])(
    'knows nothing of %s',
    (name) => {
      const types = createSpecTypes(schema);
      expect(types.member(name).types).toEqual([]);
      expect(types.member(name).member('x').item(0).types).toEqual([]);
    },
  );

  it('picks a part where there is one, and is whole where there is none', () => {
    const parted = { $defs: { traits: { properties: { age: { type: 'number' } } } } };
    expect(createSpecTypes(parted, 'traits').member('age').types).toEqual(['number']);
    expect(createSpecTypes(schema, 'traits').member('id').types).toEqual(['string']);
  });
});
