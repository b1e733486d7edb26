import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TrackbridgeError } from '../../../src/core/errors.js';
import type { JsonValue } from '../../../src/core/json.js';
import { LIMITS } from '../../../src/decode/limits.js';
import { decodeQuery } from '../../../src/decode/query/parse.js';
import { createSpecTypes } from '../../../src/decode/query/spec-types.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { encodeDelivery } from '../rudderstack-encoder.js';
import { queryOf } from '../wire-cases.js';

const hook = { webhookUrl: 'https://example.com/hook', webhookMethod: 'GET' };

function encode(properties: JsonValue): string {
  return queryOf(encodeDelivery({ type: 'track', properties }, hook));
}

// What a key or a query is made of where it hurts.
const shard = fc.constantFrom(
  ...['a', 'b', '.', '[', ']', '[0]', '[2]', '[4294967295]', '=', '&', '%', '%5B0%5D', '%FF', '+'],
  ...['__proto__', 'constructor', 'prototype', 'polluted', '<nil>', '1e+06', '1', '{}', '[]', 'é'],
);
const query = fc.array(shard, { maxLength: 60 }).map((shards) => shards.join(''));
const typesOfAnything = () =>
  createSpecTypes({ additionalProperties: { type: ['number', 'boolean'] } });
const modes = fc.constantFrom('strings' as const, 'infer' as const, 'spec' as const);

it('answers any query with a value or a 400, and never touches a prototype', () => {
  const spec = typesOfAnything();
  fc.assert(
    fc.property(fc.oneof(query, fc.string({ unit: 'binary' })), modes, (text, types) => {
      try {
        const { value } = decodeQuery(text, { types, spec, limits: LIMITS });
        if (value !== undefined) expect(JSON.parse(JSON.stringify(value))).toEqual(value);
      } catch (error) {
        if (!(error instanceof TrackbridgeError)) throw error;
        expect(error.status).toBe(400);
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns: 3000 },
  );
});

it('gives the same value whatever the order of the parameters, unless one is repeated', () => {
  const key = fc.array(fc.constantFrom('a', 'b', '[0]', '[1]', '.a', '.b'), {
    minLength: 1,
    maxLength: 4,
  });
  const parameters = fc.uniqueArray(
    key.map((parts) => parts.join('')),
    { maxLength: 8 },
  );
  const shuffled = parameters.chain((keys) =>
    fc.tuple(
      fc.constant(keys),
      fc.shuffledSubarray(keys, { minLength: keys.length, maxLength: keys.length }),
    ),
  );
  const decode = (keys: readonly string[]) =>
    decodeQuery(keys.map((name) => `${name}=${name.length}`).join('&'), {
      types: 'infer',
      limits: LIMITS,
    });
  fc.assert(
    fc.property(shuffled, ([one, other]) => {
      expect(decode(other)).toEqual(decode(one));
    }),
    { numRuns: 1000 },
  );
});

const name = fc
  .string({ minLength: 1 })
  .filter((text) => !/[.[\]]|^__proto__$|^constructor$/.test(text));
const leaf = fc.oneof(
  fc.string().filter((text) => !/^(true|false|<nil>|\[\]|\{\}|-?[0-9].*)$/.test(text)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const tree = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

it('infers what was flattened, where no text looks like something else', () => {
  const properties = fc.dictionary(name, tree.value, { minKeys: 1, noNullPrototype: true });
  fc.assert(
    fc.property(properties, (held) => {
      const decoded = decodeQuery(encode(held), { types: 'infer', limits: LIMITS });
      expect(decoded).toEqual({ value: held, collisions: [] });
    }),
    { numRuns: 1000 },
  );
});

it('loses nothing of any keys: what was decoded flattens to the same query again', () => {
  const anyName = fc.array(shard, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  const properties = fc.dictionary(
    anyName.filter((text) => !/__proto__|constructor/.test(text)),
    fc.string(),
    { minKeys: 1, noNullPrototype: true },
  );
  fc.assert(
    fc.property(properties, (held) => {
      const sent = encode(held);
      const { value, collisions } = decodeQuery(sent, { types: 'strings', limits: LIMITS });
      fc.pre(collisions.length === 0 && value !== undefined);
      // Elements that were missing are null now, which would be parameters of their own.
      const resent = encode(value ?? null)
        .split('&')
        .filter((pair) => !pair.endsWith('%3Cnil%3E'));
      expect(resent.join('&')).toBe(sent);
    }),
    { numRuns: 1000 },
  );
});

// 512 kB is the longest query that gets here. Anything quadratic takes minutes at that size; the bound leaves room for a
// slow machine.
it.each([
  ['dots', '.'.repeat(512_000)],
  ['a deep key', 'a.'.repeat(256_000)],
  ['brackets', '['.repeat(512_000)],
  ['many indexes', `a${'[0]'.repeat(170_000)}`],
  ['almost indexes', `a${'[0]'.repeat(170_000)}x]`],
  ['ampersands', '&'.repeat(512_000)],
  ['pluses and escapes', '+%20'.repeat(128_000)],
  ['a long digit string', `a[${'9'.repeat(500_000)}]=${'9'.repeat(10_000)}`],
  ['one key again and again', 'a=1&'.repeat(99_999)],
  ['collisions', Array.from({ length: 30_000 }, (_, i) => `a${i}=1&a${i}.b=2`).join('&')],
  ['deep and wide', Array.from({ length: 900 }, (_, i) => `${'a.'.repeat(98)}b${i}=1`).join('&')],
])('takes no more than linear time over %s', (_what, text) => {
  const spec = typesOfAnything();
  const took = cpuTimeOf(() => {
    for (const types of ['infer', 'spec'] as const) {
      try {
        decodeQuery(text, { types, spec, limits: LIMITS });
      } catch (error) {
        expect(error).toBeInstanceOf(TrackbridgeError);
      }
    }
  });
  expect(took).toBeLessThan(5_000);
});
