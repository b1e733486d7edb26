import { expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/core/json.js';
import { encodeHttp, type HttpFormat } from '../../../../src/workbench/emulate/rudderstack/http.js';

const EVENT: JsonObject = {
  type: 'track',
  event: 'A & <B>',
  userId: null,
  properties: { n: 9466052, nil: null, list: [1, null], '2 words': 'x', empty: {} },
};
const encode = (events: readonly JsonObject[], format: HttpFormat, isBatch = false) =>
  encodeHttp(
    events,
    { url: 'https://example.com/hook?b=2&a=1', method: 'GET', headers: [], secret: undefined },
    format,
    isBatch,
  );

it.each([
  [
    'json',
    'application/json',
    '{"event":"A \\u0026 \\u003cB\\u003e","properties":{"2 words":"x","empty":{},"list":[1,null],"n":9466052},"type":"track"}',
  ],
  [
    'form',
    'application/x-www-form-urlencoded',
    'event=A+%26+%3CB%3E&properties=%7B%22n%22%3A9466052%2C%22list%22%3A%5B1%2Cnull%5D%2C%222+words%22%3A%22x%22%2C%22empty%22%3A%7B%7D%7D&type=track',
  ],
] as const)('sends %s with every method, without nulls', (format, type, body) => {
  const request = encode([EVENT], format);
  expect(request.body).toBe(body);
  expect(request.requestUri).toBe('/hook?a=1&b=2');
  expect(request.headers).toEqual([
    ['Host', 'example.com'],
    ['User-Agent', 'RudderLabs'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Content-Type', type],
    ['Accept-Encoding', 'gzip'],
  ]);
});

it.each([
  ['https://example.com/hook', ['$.traits.email', 'c1'], '/hook/ann%40example.com/c1'],
  ['https://example.com/hook/', ['a b+ü'], '/hook/a%20b%2B%C3%BC'],
  ['https://example.com//hook', ['', 'x'], '/hook/x'],
  ['https://example.com/hook?token=t', ['$.n'], '/hook?token=t%2F7'],
])('appends path parameters to %s: %j', (url, pathParams, requestUri) => {
  const event = { n: 7, traits: { email: 'ann@example.com' } };
  const destination = { url, method: 'POST', headers: [], secret: undefined, pathParams };
  expect(encodeHttp([event], destination, 'json', false).requestUri).toBe(requestUri);
});

it.each(['a/b', '$.nothing', '$.traits.nothing'])('refuses the path parameter %s', (param) => {
  const destination = { url: 'https://example.com/', method: 'POST', headers: [] };
  const encode = () =>
    encodeHttp(
      [{ traits: {} }],
      { ...destination, secret: undefined, pathParams: [param] },
      'json',
      false,
    );
  expect(encode).toThrow(TypeError);
});

it('sends XML with names that XML allows, repeated elements and empty ones closed', () => {
  const event = { type: 'track', '2 words': 'a<b', list: [1, 2], empty: {} };
  expect(encode([event], 'xml').body).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><root><type>track</type><__words>a&lt;b</__words>' +
      '<list>1</list><list>2</list><empty/></root>',
  );
});

// The array is made by the transformer and passed on by Go as text: neither sorted nor escaped as Go would.
it('sends a batch as an array in the order of the events, empty ones left out', () => {
  expect(encode([{ z: '<', a: 1 }, {}, { b: null }], 'json', true).body).toBe('[{"z":"<","a":1}]');
  expect(encode([{}], 'json', true).body).toBe('[]');
});

it('has no body for an event that is empty', () => {
  expect(encode([{}], 'json').body).toBe('');
  expect(encode([{}], 'xml').headers.map(([name]) => name)).not.toContain('Content-Length');
});

it('says of POST that it has no body, where Go says it', () => {
  const { headers } = encodeHttp(
    [{}],
    { url: 'https://example.com', method: 'POST', headers: [], secret: undefined },
    'json',
    false,
  );
  expect(headers.slice(0, 3)).toEqual([
    ['Host', 'example.com'],
    ['User-Agent', 'RudderLabs'],
    ['Content-Length', '0'],
  ]);
});

// Run with the vendor's own functions and fast-xml-parser 5.5.8.
it.each([
  [{ a: [1, null, 2] }, '<root><a>1</a><a>2</a></root>'],
  [{ a: [null] }, '<root/>'],
  [{ a: { b: [null, {}] } }, '<root><a><b/></a></root>'],
])('has nothing in XML of the nulls in %j', (event, xml) => {
  expect(encode([event], 'xml').body).toBe(`<?xml version="1.0" encoding="UTF-8"?>${xml}`);
});
