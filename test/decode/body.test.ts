import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeBody, isBlankBody } from '../../src/decode/body.js';
import { LIMITS } from '../../src/decode/limits.js';
import { labelled } from './labels.js';
import { refusalOf } from './refusal.js';

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

function decode(body: string | Buffer, ...lines: readonly (string | undefined)[]) {
  return decodeBody(Buffer.from(body as string), labelled(...lines), LIMITS);
}

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('the body decides over the label', () => {
  it.each([
    undefined,
    'application/json',
    'text/plain',
    FORM,
    'application/xml',
    'multipart/form-data',
    ';;;',
  ])('for JSON labelled %s', (label) => {
    expect(decode('{"type":"track"}', label)).toEqual({ type: 'track' });
    expect(decode('\ufeff \r\n\t[{"type":"track"}]', label)).toEqual([{ type: 'track' }]);
  });

  it.each([undefined, 'application/json', 'text/plain', FORM, 'multipart/form-data'])(
    'for XML labelled %s',
    (label) => {
      expect(decode('\ufeff\n<r><type>track</type></r>', label)).toEqual({ type: 'track' });
    },
  );

  it('for every recorded body of both vendors', () => {
    const fixtures = ['segment-signatures.json', 'rudderstack-wire.json'].map((name) =>
      JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')),
    );
    const bodies: string[] = fixtures.flatMap(({ cases }) =>
      cases.map(
        (one: { body?: string; delivery?: { body: string } }) =>
          one.body ?? one.delivery?.body ?? '',
      ),
    );
    const recorded = bodies.filter((body) => body !== '');
    expect(recorded.length).toBeGreaterThan(15);
    for (const body of recorded) expect(decode(body, FORM)).toEqual(JSON.parse(body));
  });
});

describe('the label decides where the body does not', () => {
  it.each([
    ['"text"', 'application/json', 'text'],
    ['42', 'application/cloudevents+json', 42],
    ['null', undefined, null],
    ['42', 'text/plain', 42],
    ['42', FORM, { 42: '' }],
    ['type=track&n=1', FORM, { type: 'track', n: '1' }],
    ['type=track&n=1', `${FORM.toUpperCase()}; charset=utf-8`, { type: 'track', n: '1' }],
    ['type=track&n=1', undefined, { type: 'track', n: '1' }],
    ['type=track&n=1', 'text/plain', { type: 'track', n: '1' }],
  ])('%j labelled %s', (body, label, value) => {
    expect(decode(body, label)).toEqual(value);
  });

  it.each([
    ['type track', 'application/json', 'the JSON is invalid'],
    ['type track', 'application/soap+xml', 'the XML is invalid'],
    ['hello world', undefined, 'send JSON, a form, XML or multipart'],
    ['hello world', 'text/plain', 'send JSON, a form, XML or multipart'],
    ['--xyz with words behind', 'text/plain', 'the boundary'],
    ['{"type":', undefined, 'the JSON is invalid'],
  ])('and refuses %j labelled %s, saying what was expected', (body, label, reason) => {
    const error = refusalOf(() => decode(body, label));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).toContain(reason);
  });
});

it.each(['', ' \r\n\t', '\ufeff', '\ufeff \n'])('an empty body is refused: %j', (body) => {
  for (const label of [undefined, 'application/json', FORM, 'multipart/form-data; boundary=x']) {
    expect(refusalOf(() => decode(body, label))).toMatchObject({ code: 'BODY_EMPTY', status: 400 });
  }
});

it.each([
  ['\ufeff', true],
  ['\ufeff ', true],
  ['\ufeff1', false],
  ['1', false],
])('a body of a byte order mark and white space is blank: %j', (body, isBlank) => {
  expect(isBlankBody(Buffer.from(body))).toBe(isBlank);
});

describe('other charsets', () => {
  it('are read from the label', () => {
    const utf16 = Buffer.from('\ufeff{"name":"Zoë"}', 'utf16le');
    expect(decode(utf16, 'application/json; charset=utf-16')).toEqual({ name: 'Zoë' });
    const xml = Buffer.from('<r><name>Zoë</name></r>', 'utf16le');
    const xmlWithMark = Buffer.concat([Buffer.from([0xff, 0xfe]), xml]);
    expect(decode(xmlWithMark, `${FORM}; charset=utf-16le`)).toEqual({ name: 'Zoë' });
    expect(decode(utf16, `${FORM}; charset=utf-16le`)).toEqual({ name: 'Zoë' });
    expect(decode(Buffer.from('name=Zoë', 'latin1'), `${FORM}; charset=latin1`)).toEqual({
      name: 'Zoë',
    });
  });

  it('are read from the XML declaration, after the label', () => {
    const xml = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><r><name>Zoë</name></r>',
      'latin1',
    );
    expect(decode(xml)).toEqual({ name: 'Zoë' });
    expect(decode(xml, 'application/xml; charset=koi8-r')).toEqual({ name: 'ZoК' });
  });
});

describe('several labels', () => {
  const form = 'type=track&event=Order+Completed&userId=u-1';
  const parts = '--b\r\nContent-Disposition: form-data; name="type"\r\n\r\ntrack\r\n--b--';

  it.each([
    [form, { type: 'track', event: 'Order Completed', userId: 'u-1' }],
    ['{"type":"track"}', { type: 'track' }],
    ['<r><type>track</type></r>', { type: 'track' }],
    [parts, { type: 'track' }],
    ['properties=%7B%22a%22%3A1%7D&note=x%3Ay', { properties: { a: 1 }, note: 'x:y' }],
  ])('do not matter, whatever their order: %j', (body, value) => {
    const labels = [JSON_TYPE, FORM, 'application/xml', 'multipart/form-data; boundary=b'];
    for (const one of labels) {
      for (const other of labels) expect(decode(body, one, other)).toEqual(value);
    }
  });

  it('of which one is of a form make a form of what cannot be JSON', () => {
    for (const lines of [
      [FORM, JSON_TYPE],
      [JSON_TYPE, FORM],
    ]) {
      expect(decode('a b', ...lines)).toEqual({ 'a b': '' });
      expect(decode('42', ...lines)).toBe(42);
    }
  });

  it('lend their charsets to bytes that are not UTF-8', () => {
    const body = Buffer.from('name=Zoë', 'latin1');
    expect(decode(body, JSON_TYPE, `${FORM}; charset=latin1`)).toEqual({ name: 'Zoë' });
  });
});

describe('a multipart body', () => {
  const partsOf = (boundary: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="properties[n]"\r\n\r\n[1]\r\n--${boundary}--`;

  it.each([
    ['multipart/form-data; boundary=x'],
    ['Multipart/Form-Data; charset=utf-8; BOUNDARY="x"'],
    ['multipart/form-data; boundary=other'],
    ['multipart/form-data'],
    ['text/plain'],
    [FORM],
    [undefined],
  ])('is known by its first line, labelled %s', (label) => {
    expect(decode(partsOf('x'), label)).toEqual({ properties: { n: [1] } });
  });

  it('may have words before the boundary that its label gives', () => {
    const body = `This is a message with parts.\r\n${partsOf('x')}`;
    expect(decode(body, 'multipart/form-data; boundary=x')).toEqual({ properties: { n: [1] } });
  });
});

describe('any bytes at all', () => {
  const label = fc.constantFrom(
    undefined,
    'application/json',
    FORM,
    'text/xml',
    'text/plain; charset=utf-16le',
    'x; charset=latin1',
  );

  function isDecodedOrRefused(body: Buffer, contentType: string | undefined): void {
    let value: unknown;
    try {
      value = decode(body, contentType);
    } catch (error) {
      expect(error).toMatchObject({ name: 'TrackbridgeError', status: 400 });
      return;
    }
    expect(() => JSON.stringify(value)).not.toThrow();
    expect(Object.keys(Object.prototype)).toEqual([]);
  }

  it('are decoded or refused with 400', () => {
    fc.assert(
      fc.property(fc.uint8Array(), label, (bytes, contentType) =>
        isDecodedOrRefused(Buffer.from(bytes), contentType),
      ),
      { numRuns: 500 },
    );
  });

  it('are decoded or refused with 400 where they look like a format', () => {
    const pieces = fc.constantFrom(
      ...[
        '<a>',
        '</a>',
        '<a/>',
        '<a b="',
        '">',
        '<!--',
        '-->',
        '<![CDATA[',
        ']]>',
        '<?x',
        '?>',
        '<!DOCTYPE',
        '&amp;',
        '&#0;',
      ],
      ...[
        '{',
        '}',
        '[',
        ']',
        '"',
        ':',
        ',',
        '1',
        'null',
        '\\u00',
        '__proto__',
        'constructor',
        'prototype',
        ' ',
        '\n',
        'é',
      ],
      ...['a', '=', '&', '%', '%E9', '+', '[]', '[0]', '[999999999]', '.', '--'],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), label, (parts, contentType) =>
        isDecodedOrRefused(Buffer.from(parts.join('')), contentType),
      ),
      { numRuns: 3_000 },
    );
  });
});
