import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/core/json.js';
import { encodeWebhook } from '../../../../src/workbench/emulate/rudderstack/webhook.js';
import type { HeaderLine } from '../../../../src/workbench/emulate/wire-request.js';
import { type Destination, encodeDelivery } from '../../../decode/rudderstack-encoder.js';
import { wireCases } from '../../../decode/wire-cases.js';
import { almostEvent } from '../../../event/arbitraries.js';

/** What the emulator sends, in the shape of the vectors, which leave the receiver's name out. */
function emulated(event: JsonObject, destination: Destination): object {
  const { method, requestUri, headers, body } = encodeWebhook(event, {
    url: destination.webhookUrl,
    method: destination.webhookMethod,
    headers: (destination.headers ?? []).map(({ from, to }): HeaderLine => [from, to]),
    secret: undefined,
  });
  return { method, requestUri, rawHeaders: headers.filter(([name]) => name !== 'Host'), body };
}

it.each(wireCases())('sends what RudderStack was recorded to send: $name', (wireCase) => {
  expect(emulated(wireCase.event, wireCase.destinationConfig)).toEqual(wireCase.delivery);
});

it('sends of any event what the encoder of the tests does, which was written apart from it', () => {
  fc.assert(
    fc.property(
      almostEvent,
      fc.constantFrom('POST', 'PUT', 'PATCH', 'GET', 'DELETE'),
      fc.constantFrom('', '?a=1&b=x+y'),
      (event, webhookMethod, query) => {
        const destination = { webhookUrl: `https://example.com/hook${query}`, webhookMethod };
        expect(emulated(event, destination)).toEqual(encodeDelivery(event, destination));
      },
    ),
    { numRuns: 500 },
  );
});

it('goes where appendPath says: the event’s own, its integration’s, or the destination’s', () => {
  const uriOf = (event: JsonObject, appendPath?: string) =>
    encodeWebhook(event, {
      url: 'https://example.com/hook',
      method: 'POST',
      headers: [],
      secret: undefined,
      ...(appendPath === undefined ? {} : { appendPath }),
    }).requestUri;
  expect(uriOf({}, '/products/42')).toBe('/hook/products/42');
  expect(uriOf({ appendPath: '/own' }, '/products/42')).toBe('/hook/own');
  expect(uriOf({ integrations: { Webhook: { appendPath: '/int' } } }, '/x')).toBe('/hook/int');
  expect(uriOf({})).toBe('/hook');
});

it('puts the secret into X-Signature, and leaves to Go what Go writes itself', () => {
  const { headers } = encodeWebhook(
    { type: 'track' },
    {
      url: 'https://example.com/hook',
      method: 'GET',
      headers: [
        ['host', 'elsewhere.example'],
        ['Content-Length', '7'],
      ],
      secret: 'the-secret',
    },
  );
  expect(headers).toEqual([
    ['Host', 'example.com'],
    ['User-Agent', 'RudderLabs'],
    ['X-Signature', 'the-secret'],
    ['Accept-Encoding', 'gzip'],
  ]);
});

it('drops a flattened key that is a prototype there, and only that', () => {
  const event = JSON.parse('{"type":"track","properties":{"__proto__":1,"a":{"__proto__":2}}}');
  const { requestUri } = encodeWebhook(event, {
    url: 'https://example.com/hook',
    method: 'GET',
    headers: [],
    secret: undefined,
  });
  expect(requestUri).toBe('/hook?a.__proto__=2');
});

// As `net/url` has it: WHATWG, and with it `new URL`, would leave `|` as it is and take `..` away.
it.each([
  ['', '/'],
  ['/users/auth0|1', '/users/auth0%7C1'],
  ['/a/../b', '/a/../b'],
  ['/a(1)!/[2]', '/a(1)!/[2]'],
  ["/it's é", '/it%27s%20%C3%A9'],
  ['/a%2Fb%7c', '/a%2Fb%7c'],
  ['/a%2Fb|😀', '/a/b%7C%F0%9F%98%80'],
])('requests the path %j as Go does', (appendPath, path) => {
  const event = { type: 'track', appendPath };
  const request = encodeWebhook(event, {
    url: 'https://example.com',
    method: 'GET',
    headers: [],
    secret: undefined,
  });
  expect(request.requestUri).toBe(path);
});
