import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TrackbridgeError } from '../../src/core/errors.js';
import { isObject, type JsonObject, type JsonValue } from '../../src/core/json.js';
import { transformEvent } from '../../src/decode/transformation.js';
import { createRudderstackSource } from '../../src/sources/rudderstack.js';
import { encodeDelivery } from '../decode/rudderstack-encoder.js';
import { wireCases } from '../decode/wire-cases.js';
import { json } from '../event/arbitraries.js';
import { noSpec } from './spec.js';
import { OPEN, outcomeOf, sourceConfig } from './support.js';

// The promise of the shipped transformation: it does not matter by which method an event is delivered.

const config = sourceConfig({ type: 'rudderstack', extraTypes: ['merge'] });
const source = createRudderstackSource('rudderstack', config, OPEN, noSpec);

/** What becomes of an event on its way through RudderStack, the transformation and the source. */
async function deliver(sent: JsonObject, webhookMethod: string, path = ''): Promise<unknown> {
  const webhookUrl = `https://example.com/in${path}?src=rudder&a=1&type=page`;
  const wire = encodeDelivery(transformEvent(sent) as JsonObject, { webhookUrl, webhookMethod });
  const [pathname = '', query = ''] = wire.requestUri.split('?');
  const subpath = pathname.replace(/^\/in\/?/, '');
  try {
    source.checkSubpath(subpath);
    const parts = {
      method: wire.method,
      query,
      subpath,
      headers: wire.rawHeaders,
      body: wire.body,
    };
    return await outcomeOf(source, parts);
  } catch (error) {
    if (!(error instanceof TrackbridgeError)) throw error;
    return error.code;
  }
}

async function expectParity(sent: JsonObject, path = ''): Promise<void> {
  const posted = await deliver(sent, 'POST', path);
  for (const method of ['GET', 'DELETE']) {
    expect(withoutMethod(await deliver(sent, method, path))).toEqual(withoutMethod(posted));
  }
}

/** As it goes into the outbox, as text, but for the method: the only thing that may differ. */
function withoutMethod(outcome: unknown): unknown {
  return JSON.parse(JSON.stringify(outcome), (_key, part) => {
    if (isObject(part) && part['vendor'] === 'rudderstack') delete part['method'];
    return part;
  });
}

const name = fc.oneof(
  fc.constantFrom(
    ...['', 'a', 'b', 'a.b', 'a[0]', '[0]', '.', 'x]', ' ', '=', '&', '%zz', '%2F', '<nil>', '+'],
    ...['__proto__', 'constructor', 'prototype', 'toString', 'type', 'src', 'writeKey', 'é', '\0'],
  ),
  fc.string({ unit: 'grapheme' }),
);
const text = fc.oneof(name, fc.constantFrom('true', '60', '007', '1e+06', '[]', '{}', 's', 'n'));
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.constantFrom<JsonValue>(0, -0, 1e6, 1e-5, 1e21, 5e-324, 2 ** 53, true, false, null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(name, tie('value')), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries) as JsonObject),
  ),
}));
const members = fc
  .array(fc.tuple(name, value), { maxLength: 5 })
  .map((entries) => Object.fromEntries(entries) as JsonObject);
const data = fc.oneof({ weight: 5, arbitrary: members }, value);

const address = fc.constantFrom<JsonValue>(
  ...['1.2.3.4', '1.2.3.4:5678', '[::1]:57363', '[::1]', '::1', '2001:db8::1:443', 'host:80', ''],
);
const context = fc
  .tuple(
    members,
    fc.record(
      {
        ip: fc.oneof(address, fc.constant(null)),
        traits: data,
        url: fc.constant('https://x.example/?writeKey=abc&b=1'),
        query_parameters: fc.constant({ writeKey: ['abc'], a: ['1'] }),
        writeKey: text,
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  )
  .map(([others, known]): JsonObject => ({ ...others, ...(known as JsonObject) }));
const time = fc.constantFrom<JsonValue>(
  ...['2026-01-02T03:04:05Z', '2026-01-02T08:34:05.123456789+05:30', 'yesterday', '', null, 5],
);
const id = fc.oneof(text, fc.integer(), fc.constant(null), fc.constant({ id: 1 }));

const event: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.dictionary(name, json, { maxKeys: 3, noNullPrototype: true }),
    fc.record(
      {
        type: fc.constantFrom<JsonValue>(
          ...['track', 'identify', 'page', 'screen', 'group', 'alias', 'record', 'merge'],
          ...['delete', 'Identify', 'TRACK', 'unknown', '', 5, null],
        ),
        messageId: id,
        userId: id,
        anonymousId: id,
        groupId: id,
        previousId: id,
        event: fc.oneof(text, fc.constant(null)),
        name: fc.oneof(text, fc.constant(null)),
        category: fc.oneof(text, fc.constant(null)),
        properties: data,
        traits: data,
        context: fc.oneof({ weight: 6, arbitrary: context }, fc.constant(null)),
        integrations: fc.oneof(members, fc.constant(null)),
        request_ip: address,
        timestamp: time,
        originalTimestamp: time,
        sentAt: time,
        receivedAt: time,
        action: fc.constantFrom<JsonValue>('insert', 'delete', null),
        fields: data,
        identifiers: data,
        rudderId: text,
        channel: text,
        writeKey: text,
        receipt: value,
        header: fc.constantFrom<JsonValue>({ 'X-A': 1 }, { 'X-Trackbridge-Event': 'x' }, 'odd'),
        appendPath: fc.constantFrom('', '&q=2&a=3'),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  )
  .map(([others, known]): JsonObject => ({ ...others, ...(known as JsonObject) }));

it('makes the same of any event whether it comes by GET, DELETE or POST', async () => {
  await fc.assert(
    fc.asyncProperty(event, async (sent) => await expectParity(sent)),
    { numRuns: 600 },
  );
});

it('makes the same of it whatever the path below says', async () => {
  const paths = fc.constantFrom('/track/A%20B', '/page/Home', '/identify', '/Merge', '/group/x');
  await fc.assert(
    fc.asyncProperty(event, paths, async (sent, path) => await expectParity(sent, path)),
    { numRuns: 200 },
  );
});

it.each(wireCases())('makes the same of the vectors: $name', async ({ event: sent }) => {
  const { fullPath: _, appendPath: __, ...here } = sent;
  await expectParity(here);
});

it('refuses what is nested too deep either way', async () => {
  const nested = (depth: number): JsonObject => ({
    type: 'track',
    properties: JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as JsonValue,
  });
  expect(await deliver(nested(99), 'GET')).toMatchObject({ ok: true });
  await expectParity(nested(99));
  expect(await deliver(nested(100), 'GET')).toBe('LIMIT_EXCEEDED');
  await expectParity(nested(100));
});
