import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/core/json.js';

/** Any JSON value, as JSON.parse makes them. */
export const json: fc.Arbitrary<JsonValue> = fc
  .json({ maxDepth: 4 })
  .map((text) => JSON.parse(text));

const object = fc.dictionary(fc.string(), json, { maxKeys: 4, noNullPrototype: true });
const time = fc.oneof(
  fc.constantFrom<JsonValue>(
    null,
    '',
    '2026-01-02T03:04:05Z',
    '2026-01-02T03:04:05.123456789+05:30',
    '2020-05-09 23:54:49.209808489 +0000 UTC m=+70366.298768264',
    '0001-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    '2016-12-31T23:59:60Z',
  ),
  json,
);
const id = fc.oneof(fc.string(), fc.integer(), json);
const name = fc.option(fc.string());
const address = fc.constantFrom<JsonValue>(
  '1.2.3.4:5678',
  '[::1]:57363',
  '::1',
  '',
  ':80',
  null,
  5,
);
const context = fc.record(
  { ip: address, traits: fc.oneof(object, json), writeKey: json, url: fc.string(), other: json },
  { requiredKeys: [], noNullPrototype: true },
);

/** Objects that are events more often than not: known fields with right, odd and wrong values, and others. */
export const almostEvent: fc.Arbitrary<JsonObject> = fc
  .tuple(
    object,
    fc.record(
      {
        type: fc.constantFrom<JsonValue>(
          ...['identify', 'Track', 'page', 'SCREEN', 'group', 'alias', 'delete', 'record'],
          ...['merge', 'unknown', null, 5],
        ),
        messageId: id,
        userId: id,
        anonymousId: id,
        groupId: id,
        previousId: id,
        event: name,
        name,
        category: name,
        properties: fc.option(object),
        traits: fc.option(object),
        context: fc.option(fc.oneof({ weight: 5, arbitrary: context }, json)),
        integrations: fc.option(object),
        timestamp: time,
        originalTimestamp: time,
        sentAt: time,
        receivedAt: time,
        request_ip: address,
        action: name,
        fields: fc.option(object),
        identifiers: fc.option(object),
        writeKey: json,
        receipt: json,
      },
      { requiredKeys: ['type'], noNullPrototype: true },
    ),
  )
  .map(([others, known]): JsonObject => ({ ...others, ...known }));
