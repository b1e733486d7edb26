import { describe, expect, it } from 'vitest';
import type { QueryConfig, RudderstackSourceConfig } from '../../src/config/config.js';
import type { JsonObject } from '../../src/core/json.js';
import { transformEvent } from '../../src/decode/transformation.js';
import { createRudderstackSource } from '../../src/sources/rudderstack.js';
import type { Source } from '../../src/sources/source.js';
import { sharedSecret } from '../../src/verify/shared-secret.js';
import { encodeDelivery } from '../decode/rudderstack-encoder.js';
import { queryOf, type WireCase, wireCases } from '../decode/wire-cases.js';
import { shippedSpec } from './spec.js';
import {
  canonicalOf,
  codeOf,
  type DeliveryParts,
  deliveryOf,
  OPEN,
  RECEIVED_AT,
  sourceConfig,
  valuesOf,
} from './support.js';

const spec = shippedSpec();

function sourceWith(changes: Partial<RudderstackSourceConfig> = {}): Source {
  const config = sourceConfig({ type: 'rudderstack', path: '/hook', ...changes });
  return createRudderstackSource('rudderstack', config, OPEN, spec);
}

/** The value of the only event of a delivery. */
async function onlyValue(from: Source, parts: DeliveryParts) {
  const [value] = await valuesOf(from, parts);
  return value;
}

function withQuery(query: Partial<QueryConfig>): Source {
  return sourceWith({ query: { types: 'spec', type: 'track', ...query } });
}

const source = sourceWith();
const get = (query: string, subpath = ''): DeliveryParts => ({ method: 'GET', query, subpath });

describe('a rudderstack source', () => {
  it('takes queries and bodies, on its path and below, and asks again for late bodies by 408', () => {
    expect(source.methodsFor('')).toEqual(['POST', 'PUT', 'PATCH', 'GET', 'DELETE', 'HEAD']);
    expect(source.route.test('/hook/below')).toBe(true);
    // The router retries 408 without a limit.
    expect(source.lateBody).toBe('BODY_TIMEOUT');
  });

  it('is authenticated by any of two header lines that differ only in case', async () => {
    const verifier = sharedSecret({
      scheme: 'shared-secret',
      header: 'authorization',
      secrets: ['a-secret-of-the-test'],
    });
    const config = sourceConfig({ type: 'rudderstack' });
    const closed = createRudderstackSource('rs', config, [verifier], spec);
    const { signal } = new AbortController();
    const other = ['authorization', 'Bearer other'] as const;
    const right = ['Authorization', 'a-secret-of-the-test'] as const;
    for (const headers of [[other, right], [right, other], [right]]) {
      expect((await closed.verify(deliveryOf({ headers }), signal)).passed).toBe(true);
    }
    expect((await closed.verify(deliveryOf({ headers: [other, other] }), signal)).passed).toBe(
      false,
    );
  });
});

describe('the deliveries of the vectors', () => {
  const partsOf = ({ delivery }: WireCase, subpath = ''): DeliveryParts => ({
    method: delivery.method,
    query: queryOf(delivery),
    headers: delivery.rawHeaders,
    body: delivery.body,
    subpath,
  });
  const bodies = wireCases().filter(({ delivery }) => delivery.body !== '');
  const queries = wireCases().filter(({ delivery }) => delivery.body === '');

  it.each(bodies)('with a body become the event that was sent: $name', async (wireCase) => {
    const { event } = wireCase;
    const canonical = await canonicalOf(source, partsOf(wireCase));
    expect(canonical).toMatchObject({
      type: event['type'],
      messageId: event['messageId'],
      userId: event['userId'],
      timestamp: event['timestamp'],
    });
    expect(canonical['properties']).toEqual(event['properties'] ?? undefined);
    expect(canonical.receipt.method).toBe(wireCase.delivery.method);
  });

  it.each(queries)('with a query become a track without identifiers: $name', async (wireCase) => {
    const canonical = await canonicalOf(source, partsOf(wireCase));
    expect(canonical).toMatchObject({
      type: 'track',
      context: {},
      timestamp: new Date(RECEIVED_AT).toISOString(),
      receipt: { method: wireCase.delivery.method, messageIdGenerated: true },
    });
    expect(canonical).not.toHaveProperty('userId');
  });

  it.each(queries)('with a query become what the path below says: $name', async (wireCase) => {
    const type = String(wireCase.event['type']);
    const canonical = await canonicalOf(source, partsOf(wireCase, `${type}/A%20name`));
    expect(canonical.type).toBe(type);
    expect(canonical['event']).toBe(type === 'track' ? 'A name' : undefined);
    expect(canonical['name']).toBe(type === 'page' ? 'A name' : undefined);
    if (type === 'identify') expect(canonical['traits']).toBeTypeOf('object');
    else expect(canonical).not.toHaveProperty('traits');
  });

  it('get their types back where they can be inferred', async () => {
    const wireCase = queries.find(({ name }) => name === 'GET track nested properties');
    if (wireCase === undefined) throw new Error('the vector is gone');
    const sent = wireCase.event['properties'] as JsonObject;
    const value = (await onlyValue(withQuery({ types: 'infer' }), partsOf(wireCase))) as JsonObject;
    // What no receiver can tell apart: keys with dots and brackets, and texts that look like other values.
    const { 'dotted.key': _, 'br[0]': __, strtrue: ___, order_id: ____, ...tellable } = sent;
    expect(value['properties']).toMatchObject(tellable);
    expect(value['properties']).toMatchObject({ dotted: { key: 'v' }, br: ['w'], strtrue: true });
  });
});

describe('a path below', () => {
  it.each([
    ...[
      'purchase',
      'purchase/x',
      '/purchase',
      'track%2Fa',
      '__proto__',
      'constructor',
      '%ff/x',
      '50%',
    ],
    ...['product/search', 'tracks/a', 'some path', '..', 'a/../track', '', '/', '//'],
  ])('that starts with no type is accepted and says nothing: `%s`', async (subpath) => {
    expect(() => source.checkSubpath(subpath)).not.toThrow();
    const body = '{"type":"page","name":"Home"}';
    expect(await onlyValue(source, { subpath, body })).toEqual({ type: 'page', name: 'Home' });
    expect(await onlyValue(source, { subpath, body: '{"a":1}' })).toEqual({ a: 1 });
    expect(await onlyValue(source, { ...get('a=1'), subpath })).toEqual({
      type: 'track',
      properties: { a: '1' },
    });
  });

  it('may name a type of extraTypes, in any case', async () => {
    const extra = sourceWith({ extraTypes: ['Merge'] });
    for (const subpath of ['merge', 'MERGE/x']) {
      expect(await onlyValue(extra, { ...get('a=1'), subpath })).toMatchObject({ type: 'merge' });
      expect(await onlyValue(source, { ...get('a=1'), subpath })).toMatchObject({ type: 'track' });
    }
  });

  it('is taken as it stands where it is not percent-encoded UTF-8', async () => {
    for (const name of ['50%', '%zz', '%ff']) {
      expect(await onlyValue(source, { ...get('a=1'), subpath: `track/${name}` })).toMatchObject({
        event: name,
      });
    }
  });

  it.each([
    ['track/Order%20Completed', { type: 'track', event: 'Order Completed' }],
    ['Track/a%2Fb', { type: 'track', event: 'a/b' }],
    ['track/a+b', { type: 'track', event: 'a+b' }],
    ['track/', { type: 'track' }],
    ['page/Home', { type: 'page', name: 'Home' }],
    ['page/Docs/Home', { type: 'page', name: 'Docs/Home' }],
    ['/track', { type: 'track' }],
    ['/track//Order%20Completed', { type: 'track', event: 'Order Completed' }],
    ['//Page//a%2Fb//c/', { type: 'page', name: 'a/b/c' }],
    ['screen/Start/', { type: 'screen', name: 'Start' }],
    ['group/x', { type: 'group' }],
    ['alias', { type: 'alias' }],
  ])('`%s` says what a query has lost', async (path, lost) => {
    expect(await onlyValue(source, get('k=v', path))).toEqual({ ...lost, properties: { k: 'v' } });
  });

  it('`identify` makes traits of the query', async () => {
    expect(await onlyValue(source, get('age=5&k=v', 'identify/x'))).toEqual({
      type: 'identify',
      traits: { age: 5, k: 'v' },
    });
  });

  it('helps a body only where it has no type itself', async () => {
    const body = (value: unknown, path: string) =>
      valuesOf(source, { body: JSON.stringify(value), subpath: path });
    expect(await body({ type: 'page', name: 'A' }, 'track/B')).toEqual([
      { type: 'page', name: 'A' },
    ]);
    expect(await body({ a: 1 }, 'track/B')).toEqual([{ type: 'track', event: 'B', a: 1 }]);
    expect(await body({ type: null, name: 'own' }, 'page/B')).toEqual([
      { type: 'page', name: 'own' },
    ]);
    expect(await body({ a: 1 }, 'identify/B')).toEqual([{ type: 'identify', a: 1 }]);
    expect(await body([{ a: 1 }, 5, { type: 'alias' }], 'track')).toEqual([
      { type: 'track', a: 1 },
      5,
      { type: 'alias' },
    ]);
  });

  it('gives way to the envelope', async () => {
    const sent = { type: 'page', name: 'Home', messageId: 'm-1', properties: { a: 1 } };
    const wire = encodeDelivery(transformEvent(sent) as JsonObject, {
      webhookUrl: 'https://example.com/hook/track/Other?b=2',
      webhookMethod: 'GET',
    });
    const parts = { method: 'GET', query: queryOf(wire), headers: wire.rawHeaders };
    expect(await onlyValue(source, { ...parts, subpath: 'track/Other' })).toEqual(sent);
  });
});

describe('the configuration of queries', () => {
  it('gives type and name where nothing else does', async () => {
    const named = withQuery({ event: 'From RudderStack' });
    expect(await onlyValue(named, get('k=v'))).toEqual({
      type: 'track',
      event: 'From RudderStack',
      properties: { k: 'v' },
    });
    expect(await onlyValue(named, get('', 'track/Path'))).toEqual({ type: 'track', event: 'Path' });
    expect(await onlyValue(named, get('', 'page'))).toEqual({ type: 'page' });
    expect(await onlyValue(withQuery({ type: 'identify' }), get('k=v'))).toEqual({
      type: 'identify',
      traits: { k: 'v' },
    });
  });

  const query = 'price=6e%2B06&nil=%3Cnil%3E&on=true&n=60&list=%5B%5D&zip=007';

  it('leaves strings as they are', async () => {
    expect(await onlyValue(withQuery({ types: 'strings' }), get(query))).toMatchObject({
      properties: { price: '6e+06', nil: '<nil>', on: 'true', n: '60', list: '[]', zip: '007' },
    });
  });

  it('takes the types of the specifications', async () => {
    expect(await onlyValue(withQuery({ types: 'spec' }), get(query))).toMatchObject({
      properties: { price: 6_000_000, on: 'true', n: '60', zip: '007' },
    });
  });

  it('infers what the sender has printed', async () => {
    expect(await onlyValue(withQuery({ types: 'infer' }), get(query))).toMatchObject({
      properties: { price: 6_000_000, nil: null, on: true, n: 60, list: [], zip: '007' },
    });
  });

  it('takes the types of traits for an identify only: a group sends its properties', async () => {
    expect(await onlyValue(source, get('age=5&price=5', 'identify'))).toEqual({
      type: 'identify',
      traits: { age: 5, price: '5' },
    });
    for (const type of ['group', 'alias', 'track']) {
      expect(await onlyValue(source, get('age=5&price=5', type))).toEqual({
        type,
        properties: { age: '5', price: 5 },
      });
    }
  });
});

describe('a query', () => {
  it('without data makes an event without data', async () => {
    for (const query of ['', '&&']) {
      expect(await onlyValue(source, get(query))).toEqual({ type: 'track' });
    }
    for (const query of ['=%3Cnil%3E', '=[]', '=%7B%7D']) {
      expect(await onlyValue(source, get(query))).toEqual({ type: 'track', properties: {} });
    }
  });

  it('reports the keys it had to leave out', async () => {
    const decoded = await source.decode(deliveryOf(get('a=1&a.b=2')));
    expect(decoded.events).toEqual([
      { value: { type: 'track', properties: { a: { b: '2' } } }, collisions: ['a'] },
    ]);
    expect((await canonicalOf(source, get('a=1&a.b=2'))).receipt.collisions).toEqual(['a']);
  });

  it('is refused where its encoding is broken, and where the envelope is damaged', async () => {
    expect(await codeOf(() => source.decode(deliveryOf(get('a=%zz'))))).toBe('QUERY_MALFORMED');
    const headers = [['X-Trackbridge-Event', '1/2;{"v":1;']] as const;
    expect(await codeOf(() => source.decode(deliveryOf({ ...get('a=1'), headers })))).toBe(
      'QUERY_MALFORMED',
    );
  });

  it('is read for HEAD as for GET', async () => {
    for (const method of ['HEAD', 'DELETE']) {
      expect(await onlyValue(source, { ...get('k=v'), method })).toEqual({
        type: 'track',
        properties: { k: 'v' },
      });
    }
  });

  it('is not looked at where there is a body, whatever the method', async () => {
    const body = '{"type":"page","name":"Home"}';
    for (const method of ['GET', 'DELETE', 'HEAD', 'POST', 'PUT', 'PATCH']) {
      const headers = [['X-Trackbridge-Event', '1/1;{"v":1,"event":{}};']] as const;
      expect(await onlyValue(source, { method, body, query: 'a=1', headers })).toEqual({
        type: 'page',
        name: 'Home',
      });
    }
  });

  it('does not stand in for the body of POST, PUT and PATCH, which may be empty', async () => {
    for (const method of ['POST', 'PUT', 'PATCH']) {
      for (const body of ['', ' \r\n', '\ufeff']) {
        const parts = deliveryOf({ method, query: 'a=1', body });
        expect(await source.decode(parts)).toEqual({ batch: true, events: [] });
      }
    }
  });
});

describe('a body', () => {
  it('is read whichever of two content types comes first', async () => {
    const json = ['Content-Type', 'application/json'] as const;
    const form = ['content-type', 'application/x-www-form-urlencoded'] as const;
    for (const headers of [
      [json, form],
      [form, json],
    ]) {
      expect(await onlyValue(source, { headers, body: '{"type":"track"}' })).toEqual({
        type: 'track',
      });
    }
  });

  it('with a batch takes nothing over from beside it, as RudderStack does', async () => {
    const body = JSON.stringify({
      batch: [{ type: 'track' }],
      context: { a: 1 },
      sentAt: '2026-01-02T03:04:05Z',
    });
    expect(await valuesOf(source, { body })).toEqual([{ type: 'track' }]);
  });
});

describe('a write key in the URL', () => {
  const keyed = sourceWith({ verify: [{ scheme: 'write-key', secrets: ['the-write-key'] }] });

  it('is no property of the event where it authenticates', async () => {
    expect(await onlyValue(keyed, get('a=1&writeKey=the-write-key&z=1'))).toEqual({
      type: 'track',
      properties: { a: '1', z: '1' },
    });
    expect(await onlyValue(keyed, get('writeKey=the-write-key'))).toEqual({ type: 'track' });
  });

  it('leaves a property of the event with the same name', async () => {
    expect(await onlyValue(keyed, get('writeKey=the-write-key&writeKey=own'))).toEqual({
      type: 'track',
      properties: { writeKey: 'own' },
    });
  });

  it('is a property like any other where something else authenticates', async () => {
    expect(await onlyValue(source, get('writeKey=own'))).toEqual({
      type: 'track',
      properties: { writeKey: 'own' },
    });
  });

  it('does not get into what the envelope restores', async () => {
    const sent = { type: 'track', event: 'A', properties: { writeKey: 'own', a: 1 } };
    const wire = encodeDelivery(transformEvent(sent) as JsonObject, {
      webhookUrl: 'https://example.com/hook?writeKey=the-write-key',
      webhookMethod: 'GET',
    });
    const parts = { method: 'GET', query: queryOf(wire), headers: wire.rawHeaders };
    expect(await onlyValue(keyed, parts)).toEqual(sent);
  });
});
