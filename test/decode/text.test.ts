import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText } from '../../src/decode/text.js';
import { labelled } from './labels.js';
import { refusalOf } from './refusal.js';

describe('the text of a body', () => {
  it('is strict UTF-8 without its byte order mark', () => {
    expect(decodeText(Buffer.from('plain'))).toBe('plain');
    expect(decodeText(Buffer.from('\ufeffZoë 東京 😀'))).toBe('Zoë 東京 😀');
    expect(decodeText(Buffer.from('a\u2028b\ufffd'))).toBe('a\u2028b\ufffd');
  });

  it('stays UTF-8 where the label says otherwise but the bytes are UTF-8', () => {
    const label = 'application/json; charset=iso-8859-1';
    expect(decodeText(Buffer.from('Zoë'), labelled(label))).toBe('Zoë');
  });

  it.each([
    ['text/plain; charset=iso-8859-1', Buffer.from('Zoë', 'latin1')],
    ['text/plain;CHARSET="windows-1252"; x=y', Buffer.from('Zoë', 'latin1')],
    ['application/json; charset=utf-16le', Buffer.from('Zoë', 'utf16le')],
  ])('is in the charset of %s where the bytes are not UTF-8', (label, body) => {
    expect(decodeText(body, labelled(label))).toBe('Zoë');
  });

  it.each([
    ['no label', undefined],
    ['a charset nobody knows', 'text/plain; charset=klingon'],
    ['a wrong UTF-8 label', 'text/plain; charset=utf-8'],
    ['a charset that does not fit either', 'text/plain; charset=utf-16le'],
  ])('is refused with %s, naming the byte where UTF-8 ends', (_, label) => {
    const body = Buffer.concat([Buffer.from('é\ufffd東'), Buffer.from([0xff, 0x41, 0x42])]);
    const error = refusalOf(() => decodeText(body, labelled(label)));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).toContain('from byte 8 on');
  });

  it('names the first byte of a character that is cut off at the end', () => {
    const error = refusalOf(() => decodeText(Buffer.from('東京').subarray(0, 5)));
    expect(error.message).toContain('from byte 3 on');
  });

  it('can be read again after a body that could not', () => {
    refusalOf(() => decodeText(Buffer.from([0xe6, 0x9d])));
    expect(decodeText(Buffer.from('é'))).toBe('é');
  });

  it('is any text that was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodeText(Buffer.from(`x${text}`))).toBe(`x${text}`);
      }),
    );
  });

  it('ends where the platform says that it ends', () => {
    const strict = new TextDecoder('utf-8', { fatal: true });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const body = Buffer.concat([Buffer.from('é'), bytes]);
        try {
          decodeText(body);
        } catch (error) {
          const byte = Number(/byte (\d+)/.exec(String(error))?.[1]);
          expect(() => strict.decode(body.subarray(0, byte))).not.toThrow();
          expect(() => strict.decode(body)).toThrow();
        }
      }),
    );
  });
});
