import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import Koa from 'koa';
import { koaBody } from 'koa-body';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/decode/limits.js';
import { boundaryOf, decodeMultipart, readMultipart } from '../../../src/decode/multipart/parse.js';
import { refusalOf } from '../refusal.js';

const BOUNDARY = 'the-boundary';

interface PartOf {
  readonly name: string;
  readonly text: string;
  readonly filename?: string;
  readonly type?: string;
}

function bodyOf(parts: readonly PartOf[]): Buffer {
  const lines = parts.map(({ name, text, filename, type }) => {
    const file = filename === undefined ? '' : `; filename="${filename}"`;
    const media = type === undefined ? '' : `Content-Type: ${type}\r\n`;
    return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${media}\r\n${text}\r\n`;
  });
  return Buffer.from(`${lines.join('')}--${BOUNDARY}--\r\n`);
}

const read = (body: Buffer, limits = LIMITS) => readMultipart(body, BOUNDARY, limits);
const decode = (body: Buffer) => decodeMultipart(body, BOUNDARY, LIMITS);
const bodyWith = (headers: string, content = 'x'): Buffer =>
  Buffer.from(`--${BOUNDARY}\r\n${headers}\r\n\r\n${content}\r\n--${BOUNDARY}--`);

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('the parts of a multipart body', () => {
  it('come in order, with their names and texts', () => {
    const body = bodyOf([
      { name: 'type', text: 'track' },
      { name: 'tag', text: 'a' },
      { name: 'tag', text: 'b' },
      { name: 'é', text: `ü\r\n--${BOUNDARY.slice(0, -1)}` },
      { name: 'almost', text: `\r\n--${BOUNDARY}x\r\n--${BOUNDARY}-` },
      { name: 'empty', text: '' },
    ]);
    expect(read(body)).toEqual([
      { name: 'type', text: 'track' },
      { name: 'tag', text: 'a' },
      { name: 'tag', text: 'b' },
      { name: 'é', text: `ü\r\n--${BOUNDARY.slice(0, -1)}` },
      { name: 'almost', text: `\r\n--${BOUNDARY}x\r\n--${BOUNDARY}-` },
      { name: 'empty', text: '' },
    ]);
  });

  it('may be as large as the body', () => {
    const text = '\r\n'.repeat(1_500_000);
    expect(read(bodyOf([{ name: 'a', text }]))).toEqual([{ name: 'a', text }]);
  });

  it('may have anything before the first boundary and after the last', () => {
    const whole = bodyOf([{ name: 'a', text: '1' }]);
    const body = Buffer.concat([Buffer.from('preamble\r\n'), whole, Buffer.from('epilogue')]);
    expect(read(body)).toEqual([{ name: 'a', text: '1' }]);
    const padded = whole.toString().replace(`--${BOUNDARY}\r\n`, `--${BOUNDARY} \t\r\n`);
    expect(read(Buffer.from(padded))).toEqual([{ name: 'a', text: '1' }]);
  });

  it('may have no headers, or no content', () => {
    const body = `--${BOUNDARY}\r\n\r\nx\r\n--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n--${BOUNDARY}--`;
    expect(read(Buffer.from(body))).toEqual([
      { name: '', text: 'x' },
      { name: 'a', text: '' },
    ]);
    expect(read(Buffer.from(`--${BOUNDARY}--`))).toEqual([]);
  });

  it('are decoded where they are in base64, which some libraries of mailers do', () => {
    const headers = 'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: Base64';
    expect(read(bodyWith(headers, 'Wm\r\n/Dqw=='))).toEqual([{ name: 'a', text: 'Zoë' }]);
  });

  it.each([
    ['form-data; name=a; filename=b.txt', 'a', 'b.txt'],
    ['form-data; filename="b.txt"; name="a"', 'a', 'b.txt'],
    ['form-data; NAME="a"; FileName="b;c=\\"d\\".txt"', 'a', 'b;c="d".txt'],
    ['form-data; name="a%22b"; filename="c:\\dir\\b.txt"', 'a"b', 'b.txt'],
    ['form-data; name="a"; filename="x"; filename*=UTF-8\'\'%E6%9D%B1.txt', 'a', '東.txt'],
    ['form-data; name="a"; filename="x"; filename*=UTF-8\'\'%E6', 'a', 'x'],
    ['form-data; name="a"; filename=""', 'a', ''],
    ['attachment; filename="b.txt"', 'file', 'b.txt'],
    [`form-data; filename=b${'; x=y'.repeat(18)}; name=a`, 'a', 'b'],
    [`form-data; filename=b${'; x=y'.repeat(19)}; name=a`, 'file', 'b'],
  ])('have the names that their header says: %s', (disposition, name, filename) => {
    const parts = read(bodyWith(`Content-Disposition: ${disposition}`));
    expect(parts).toMatchObject([{ name, file: { filename, type: null, size: 1 } }]);
  });

  it('are what formidable reads, which koa-body is built on', async () => {
    const name = fc.stringMatching(/^[a-z]{1,4}$/);
    const text = fc
      .array(fc.constantFrom('\r\n', '--', BOUNDARY, 'the-', '\r', '\n', ' ', 'x', '-', ''))
      .map((pieces) => pieces.join(''))
      // A boundary in a text ends it; who wrote the text should have chosen another one.
      .filter((one) => !one.includes(`--${BOUNDARY}`));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ name, text }), { maxLength: 6 }), async (parts) => {
        fc.pre(parts.length > 0);
        expect(read(bodyOf(parts))).toEqual(parts);
        expect(await formidables(bodyOf(parts))).toEqual(grouped(parts));
      }),
    );
  });
});

/** The fields that formidable finds in a body. */
async function formidables(body: Buffer): Promise<unknown> {
  const request = new IncomingMessage(new Socket());
  request.method = 'POST';
  request.headers['content-type'] = `multipart/form-data; boundary=${BOUNDARY}`;
  request.headers['content-length'] = String(body.length);
  request.push(body);
  request.push(null);
  // Otherwise its end reads as a sender that hung up.
  request.complete = true;
  const ctx = new Koa().createContext(request, new ServerResponse(request));
  await koaBody({ multipart: true })(ctx, async () => undefined);
  return ctx.request.body;
}

function grouped(parts: readonly PartOf[]): unknown {
  const names = [...new Set(parts.map(({ name }) => name))];
  return Object.fromEntries(
    names.map((name) => {
      const texts = parts.filter((part) => part.name === name).map(({ text }) => text);
      return [name, texts.length === 1 ? texts[0] : texts];
    }),
  );
}

describe('a file in a multipart body', () => {
  const body = bodyOf([
    { name: 'type', text: 'track' },
    { name: 'logo', text: 'GIF89a', filename: 'logo.gif', type: 'image/gif' },
    { name: 'logo', text: 'x'.repeat(200_000), filename: '../../etc/passwd' },
    { name: 'type', text: 'x', filename: 'a' },
  ]);

  it('is described and not kept', () => {
    expect(read(body)).toMatchObject([
      { name: 'type', text: 'track' },
      { name: 'logo', file: { filename: 'logo.gif', type: 'image/gif', size: 6 } },
      { name: 'logo', file: { filename: '../../etc/passwd', size: 200_000 } },
      { name: 'type', file: { size: 1 } },
    ]);
    expect(read(body)[1]).toHaveProperty('file.headers', {
      'content-disposition': 'form-data; name="logo"; filename="logo.gif"',
      'content-type': 'image/gif',
    });
  });

  it('loses nothing to another one, or to a field, of its name', () => {
    const file = (filename: string, size: number, type: string | null = null) => ({
      filename,
      type,
      size,
    });
    expect(decode(body)).toEqual({
      type: ['track', file('a', 1)],
      logo: [file('logo.gif', 6, 'image/gif'), file('../../etc/passwd', 200_000)],
    });
  });
});

describe('the object of a multipart body', () => {
  it('follows the rules of forms, without percent-decoding', () => {
    const body = bodyOf([
      { name: 'type', text: 'track' },
      { name: 'a[b]', text: '1%20' },
      { name: 'properties', text: '{"n":1}' },
      { name: 'tags', text: 'x' },
      { name: 'tags', text: '[1]' },
    ]);
    expect(decode(body)).toEqual({
      type: 'track',
      a: { b: '1%20' },
      properties: { n: 1 },
      tags: ['x', [1]],
    });
  });

  it('loses prototype keys and no others, whatever the parts are called', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const object = decode(bodyOf(names.map((name) => ({ name, text: '{"prototype":1}' }))));
    expect(Object.keys(object)).toEqual(['toString', 'hasOwnProperty']);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    const headers = read(bodyWith('__proto__: x\r\nconstructor: y'))[0];
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
  });
});

describe('a multipart body that cannot be read', () => {
  const whole = bodyOf([{ name: 'type', text: 'track' }]);

  it.each([
    ['that is something else', Buffer.from('{"type":"track"}')],
    ['that is empty', Buffer.alloc(0)],
    ['that ends early', whole.subarray(0, whole.length - 20)],
    ['that ends in a part header', whole.subarray(0, 30)],
    ['whose header is none', bodyWith('no header')],
    ['whose header is endless', bodyWith(`a: ${'x'.repeat(20_000)}`)],
  ])('is the sender’s fault: %s', (_what, body) => {
    expect(refusalOf(() => read(body))).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
  });

  it('has more parts than an event may have keys', () => {
    const parts = (count: number) => bodyOf(Array(count).fill({ name: 'a', text: '' }));
    const limits = { ...LIMITS, keys: 5 };
    expect(read(parts(5), limits)).toHaveLength(5);
    expect(refusalOf(() => read(parts(6), limits))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      status: 400,
    });
  });
});

describe('the boundary of a body', () => {
  it.each([
    ['--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--', 'x'],
    [
      '------WebKitFormBoundary7MA4YWxk \r\nContent-Type: a/b\r\n',
      '----WebKitFormBoundary7MA4YWxk',
    ],
    ['--x\r\n\r\n1', 'x'],
    ['--x\r\nnot a header', undefined],
    ['--x', undefined],
    [`--${'x'.repeat(71)}\r\na: b`, undefined],
    ['-x\r\na: b', undefined],
    ['a=1', undefined],
    ['', undefined],
  ])('is read from its first line: %j', (body, boundary) => {
    expect(boundaryOf(Buffer.from(body))).toBe(boundary);
  });
});
