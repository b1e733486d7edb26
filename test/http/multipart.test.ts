import { readdirSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { readMultipart as read } from '../../src/http/multipart.js';
import { errorOf } from './requests.js';

// Before formidable is loaded, which asks once where temporary files go.
const temporary = await vi.hoisted(async () => {
  const { mkdtempSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-multipart-'));
  process.env['TMPDIR'] = directory;
  return directory;
});
afterAll(() => rmSync(temporary, { recursive: true }));

const TYPE = 'multipart/form-data; boundary=the-boundary';

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
    return `--the-boundary\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${media}\r\n${text}\r\n`;
  });
  return Buffer.from(`${lines.join('')}--the-boundary--\r\n`);
}

describe('the fields of a multipart body', () => {
  it('come by name, those with several values with all of them', async () => {
    const body = bodyOf([
      { name: 'type', text: 'track' },
      { name: 'tag', text: 'a' },
      { name: 'tag', text: 'b' },
      { name: 'é', text: 'ü\r\n--the-boundar' },
      { name: 'empty', text: '' },
    ]);
    const { fields } = await read(body, TYPE);
    expect(fields).toEqual({
      type: 'track',
      tag: ['a', 'b'],
      é: 'ü\r\n--the-boundar',
      empty: '',
    });
  });

  it('may be as large as the body that was let in', async () => {
    const text = 'x'.repeat(3_000_000);
    expect((await read(bodyOf([{ name: 'a', text }]), TYPE)).fields).toEqual({ a: text });
  });

  it('touch no prototype, whatever they are called', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const { fields } = await read(
      bodyOf([...names, ...names].map((name) => ({ name, text: 'polluted' }))),
      TYPE,
    );
    expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(String({})).toBe('[object Object]');
  });
});

describe('a file in a multipart body', () => {
  it('is described and not kept', async () => {
    const { fields, files } = await read(
      bodyOf([
        { name: 'type', text: 'track' },
        { name: 'logo', text: 'GIF89a', filename: 'logo.gif', type: 'image/gif' },
        { name: 'big', text: 'x'.repeat(200_000), filename: '../../etc/passwd' },
        { name: '__proto__', text: 'x', filename: 'a' },
      ]),
      TYPE,
    );
    expect(fields).toEqual({ type: 'track' });
    expect(files).toMatchObject([
      { name: 'logo', filename: 'logo.gif', type: 'image/gif', size: 6 },
      { name: 'big', size: 200_000 },
      { name: '__proto__', size: 1 },
    ]);
    expect(files[0]?.headers).toEqual({
      'content-disposition': 'form-data; name="logo"; filename="logo.gif"',
      'content-type': 'image/gif',
    });
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('a multipart body that cannot be read', () => {
  const whole = bodyOf([{ name: 'type', text: 'track' }]);

  it.each([
    ['without a boundary', whole, 'multipart/form-data'],
    ['that is something else', Buffer.from('{"type":"track"}'), TYPE],
    ['that ends early', whole.subarray(0, whole.length - 20), TYPE],
    ['that ends in a part header', whole.subarray(0, 30), TYPE],
    ['with too many fields', bodyOf(Array(100_001).fill({ name: 'a', text: '' })), TYPE],
  ])('is the sender’s fault: %s', async (_what, body, type) => {
    expect(await errorOf(() => read(body, type))).toMatchObject({
      code: expect.stringMatching(/^(BODY_MALFORMED|LIMIT_EXCEEDED)$/),
      status: 400,
    });
  });
});

describe('a multipart body of very many lines', () => {
  it('is refused before it is read: each line costs as much as a field', async () => {
    const lines = (count: number): Buffer => bodyOf([{ name: 'text', text: '\r\n'.repeat(count) }]);
    expect(await errorOf(() => read(lines(400_000), TYPE))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      status: 400,
    });
    expect(await read(lines(1_000), TYPE)).toMatchObject({
      fields: { text: '\r\n'.repeat(1_000) },
    });
  });
});
