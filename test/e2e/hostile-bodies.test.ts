import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Receiver, readLines, startReceiver } from '../support/receiver.js';

let receiver: Receiver;
let file: string;

beforeAll(async () => {
  const none = { scheme: 'none' };
  receiver = await startReceiver({
    config: {
      server: { port: 0 },
      sources: {
        open: { type: 'segment', path: '/open', verify: none },
        rs: { type: 'rudderstack', path: '/rs', verify: none },
      },
      sinks: { archive: { type: 'file', path: './events.ndjson', batch: { wait: '1ms' } } },
    },
  });
  file = `${receiver.directory}/events.ndjson`;
});
afterAll(async () => {
  expect(await receiver.end()).toBe(0);
});

const FORM = 'application/x-www-form-urlencoded';
const post = (body: string | Buffer, type = 'application/json'): Promise<Response> =>
  fetch(`${receiver.url}/open`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(body)),
    headers: { 'content-type': type },
  });
/** The first line of the file that holds this text, as soon as there is one. */
const lineWith = async (text: string): Promise<string> =>
  (await eventually(
    async () => (await readLines(file)).find((line) => line.includes(text)),
    (line) => line !== undefined,
  )) ?? '';
/** The one line that the file has of the event of this id, as it stands. */
const lineOf = async (id: string): Promise<string> => {
  const lines = await eventually(
    () => readLines(file),
    (all) => all.some((line) => line.includes(`"messageId":"${id}"`)),
  );
  const found = lines.filter((line) => line.includes(`"messageId":"${id}"`));
  expect(found).toHaveLength(1);
  return String(found[0]);
};
const propertiesOf = async (id: string): Promise<unknown> =>
  (JSON.parse(await lineOf(id)) as { properties: unknown }).properties;
const event = (id: string, properties: string): string =>
  `{"type":"track","event":"A","messageId":"${id}","properties":${properties}}`;

describe('keys that would reach a prototype', () => {
  const part = (name: string, value: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":"1"}';

  it.each([
    ['json', event('proto-json', hostile), 'application/json'],
    ['escapes', event('proto-escapes', hostile.replaceAll('o', '\\u006f')), 'application/json'],
    ['array', `[${event('proto-array', hostile)}]`, 'application/json'],
    [
      'form',
      'type=track&messageId=proto-form&properties[__proto__][polluted]=1&properties[constructor][prototype][polluted]=1&properties[a]=1&__proto__[polluted]=1&__proto__=1',
      FORM,
    ],
    [
      'form-json',
      `type=track&messageId=proto-form-json&properties=${encodeURIComponent(hostile)}`,
      FORM,
    ],
    [
      'multipart',
      `${part('type', 'track')}${part('messageId', 'proto-multipart')}${part('properties[__proto__][polluted]', '1')}${part('properties[a]', '1')}${part('__proto__', '1')}${part('constructor[prototype][polluted]', '1')}--b--\r\n`,
      'multipart/form-data; boundary=b',
    ],
    [
      'xml',
      '<r><type>track</type><messageId>proto-xml</messageId><__proto__><polluted>1</polluted></__proto__><properties><__proto__>1</__proto__><constructor><prototype>1</prototype></constructor><a>1</a></properties></r>',
      'application/xml',
    ],
  ])('reach no sink: %s', async (name, body, type) => {
    expect((await post(body, type)).status).toBe(200);
    const line = await lineOf(`proto-${name}`);
    expect(line).not.toMatch(/__proto__|"prototype"|polluted/);
    expect(await propertiesOf(`proto-${name}`)).toMatchObject({ a: '1' });
  });

  it('reach no sink from a query', async () => {
    const query =
      '__proto__.polluted=1&a.__proto__.polluted=1&constructor.prototype.polluted=1&a.b=1&__proto__[0]=1';
    expect((await fetch(`${receiver.url}/rs/track/From%20a%20query?${query}`)).status).toBe(200);
    const line = await lineWith('From a query');
    expect(line).not.toMatch(/__proto__|"prototype"|polluted/);
    expect(JSON.parse(line)).toMatchObject({ properties: { a: { b: '1' } } });
  });
});

describe('values that JSON or its readers take in different ways', () => {
  it.each([
    ['the last of a repeated key', '{"a":1,"a":2}', { a: 2 }],
    ['a lone surrogate', '{"a":"\\ud800"}', { a: '\ud800' }],
    ['NUL in a text and in a key', '{"a\\u0000b":"c\\u0000d"}', { 'a\0b': 'c\0d' }],
    [
      'line breaks',
      '{"a":"b\\n{\\"type\\":\\"forged\\"}\\r\\n"}',
      { a: 'b\n{"type":"forged"}\r\n' },
    ],
    ['line separators', '{"a":"\\u2028\\u2029"}', { a: '\u2028\u2029' }],
    ['a number beyond doubles', '{"a":1e999,"b":-1e999}', { a: null, b: null }],
    ['a number finer than doubles', '{"a":12345678901234567890}', { a: 12345678901234567000 }],
    ['a number next to zero', '{"a":1e-999,"b":-0}', { a: 0, b: 0 }],
    ['empty names', '{"":{"":1}}', { '': { '': 1 } }],
    [
      'names that objects inherit',
      '{"toString":1,"hasOwnProperty":2}',
      { toString: 1, hasOwnProperty: 2 },
    ],
  ])('%s: one line, and the value that JSON.parse gives', async (name, properties, value) => {
    const id = `value-${name.replaceAll(' ', '-')}`;
    expect((await post(event(id, properties))).status).toBe(200);
    expect(await propertiesOf(id)).toEqual(value);
  });

  it('a byte order mark in front is read over', async () => {
    expect((await post(`\ufeff${event('marked', '{"a":1}')}`)).status).toBe(200);
    expect(await propertiesOf('marked')).toEqual({ a: 1 });
  });

  it('identifiers that differ behind a NUL are two', async () => {
    const batch = `[${event('nul\\u0000a', '{}')},${event('nul\\u0000b', '{}')}]`;
    expect(await (await post(batch)).json()).toMatchObject({ accepted: 2, duplicates: 0 });
  });
});

describe('a body that nobody should have to read', () => {
  const doctype = (rest: string): string => `<?xml version="1.0"?><!DOCTYPE r ${rest}`;

  it.each([
    ['10,000 levels', event('deep', '['.repeat(10_000) + ']'.repeat(10_000)), undefined],
    ['levels of objects', event('deep', '{"a":'.repeat(200) + 1 + '}'.repeat(200)), undefined],
    ['a million keys', event('keys', `{${Array(1_000_000).fill('"":0').join(',')}}`), undefined],
    [
      'bytes that are not UTF-8',
      Buffer.from('{"type":"track","event":"\xff"}', 'latin1'),
      undefined,
    ],
    ['surrogates in UTF-8', Buffer.from('7b2261223a22eda080227d', 'hex'), undefined],
    ['overlong UTF-8', Buffer.from('7b2261223a22c0af227d', 'hex'), undefined],
    ['a raw NUL in a text', '{"type":"track","event":"\0"}', undefined],
    [
      'the billion laughs',
      doctype(
        '[<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><r><a>&c;</a></r>',
      ),
      'application/xml',
    ],
    [
      'an external entity',
      doctype('[<!ENTITY x SYSTEM "file:///etc/passwd">]><r><type>&x;</type></r>'),
      'application/xml',
    ],
    [
      'an external document type',
      doctype('SYSTEM "http://127.0.0.1/x.dtd"><r/>'),
      'application/xml',
    ],
    [
      'a multipart body without an end',
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n',
      'multipart/form-data; boundary=b',
    ],
  ])('is refused, and the next one is taken: %s', async (_what, body, type) => {
    const response = await post(body, type);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.text()).not.toMatch(/passwd|root:|haha/);
    expect((await post('[]')).status).toBe(200);
  });

  it('an index of a query as high as can be written makes no array of that length', async () => {
    const query = 'a[4294967295]=1&b[999999999999999999999]=1&c[2147483647].d=1&e[1]=2';
    expect((await fetch(`${receiver.url}/rs/track/Indexes?${query}`)).status).toBe(200);
    const line = await lineWith('"Indexes"');
    expect(line.length).toBeLessThan(1_000);
    expect(JSON.parse(line)).toMatchObject({
      properties: { 'a[4294967295]': '1', e: [null, '2'] },
    });
  });
});

describe('the names of files', () => {
  it('are made of nothing that was sent', async () => {
    const before = (await readdir(receiver.directory, { recursive: true })).sort();
    const path = '../../../tmp/planted';
    const planted = {
      ...{ type: 'track', event: path, messageId: path, userId: path, anonymousId: path },
      ...{ context: { page: { path } }, properties: { filename: path } },
    };
    expect((await post(JSON.stringify(planted))).status).toBe(200);
    const upload = `--b\r\nContent-Disposition: form-data; name="type"\r\n\r\ntrack\r\n--b\r\nContent-Disposition: form-data; name="${path}"; filename="${path}"\r\n\r\nx\r\n--b--\r\n`;
    expect((await post(upload, 'multipart/form-data; boundary=b')).status).toBe(200);
    expect((await fetch(`${receiver.url}/rs/track/%2e%2e%2f%2e%2e%2fplanted`)).status).toBe(200);
    await lineOf(path);
    expect((await readdir(receiver.directory, { recursive: true })).sort()).toEqual(before);
  });
});
