import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMask, MASKED } from '../../../src/workbench/inspect/mask.js';
import { spellingsOf } from '../../security/spellings.js';
import { cpuTimeOf } from '../../support/cpu-time.js';

const SECRET = 'correct-horse/battery+staple=';
const mask = createMask([SECRET]);

/** How a text is written by whoever puts it into something else. */
const WRITERS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  json: (text) => JSON.stringify(text).slice(1, -1),
  'json in json': (text) => JSON.stringify(JSON.stringify(text)).slice(1, -1),
  'escaped JSON': (text) =>
    [...text]
      .flatMap((each) => each.split(''))
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  'the slashes of PHP': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'the letters of .NET': (text) =>
    JSON.stringify(text).slice(1, -1).replaceAll('+', '\\u002B').replaceAll('&', '\\u0026'),
  percent: encodeURIComponent,
  'percent twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'lower-case percent': (text) =>
    encodeURIComponent(text).replace(/%../g, (each) => each.toLowerCase()),
  form: (text) => new URLSearchParams({ a: text }).toString().slice(2),
  'JSON in a form': (text) => encodeURIComponent(JSON.stringify(text)),
  xml: (text) =>
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;'),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64url, with something before it': (text) =>
    Buffer.from(`user:${text}`).toString('base64url'),
  hex: (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'read as Latin-1': (text) => Buffer.from(text).toString('latin1'),
};

/** Long enough that none of it stands in the words around it. */
const anySecret = fc.oneof(
  fc.string({ minLength: 9, maxLength: 60 }),
  fc.string({ minLength: 9, maxLength: 40, unit: 'grapheme' }),
  fc.base64String({ minLength: 12, maxLength: 60 }),
);

describe('a mask', () => {
  it.each(Object.entries(WRITERS))('finds a secret written as %s', (_name, write) => {
    const text = `before ${write(SECRET)} behind`;
    const shown = mask.text(text);
    expect(shown).toContain(MASKED);
    for (const spelling of spellingsOf(SECRET)) expect(shown).not.toContain(spelling);
    expect(shown).toMatch(/^before .* behind$/);
  });

  it('finds any secret, however it is written', () => {
    fc.assert(
      fc.property(
        anySecret,
        fc.constantFrom(...Object.keys(WRITERS)),
        fc.string(),
        (secret, name, around) => {
          fc.pre(
            secret.trim() !== '' &&
              Buffer.from(secret).toString() === secret &&
              !around.includes(secret),
          );
          const write = WRITERS[name] ?? ((text: string) => text);
          const written = write(secret);
          const shown = createMask([secret]).text(`${around}|${written}|`);
          expect(shown).not.toContain(written);
          expect(shown).toContain(MASKED);
        },
      ),
      // Always the same ones: another seed belongs into a hunt, not into a gate.
      { numRuns: 2_000, seed: 7 },
    );
  });

  it('finds it in bytes, in UTF-16 too, and leaves other bytes alone', () => {
    const body = Buffer.from(JSON.stringify({ a: SECRET }));
    expect(mask.bytes(body).toString()).toBe(`{"a":"${MASKED}"}`);
    expect(mask.bytes(Buffer.from(SECRET, 'utf16le')).toString()).toBe(MASKED);
    const other = Buffer.from([0, 255, 128, 37, 92]);
    expect(mask.bytes(other)).toBe(other);
  });

  it('finds it in keys, numbers and texts of JSON', () => {
    const shown = createMask(['12345678901', 'the-key-itself']).json({
      'x-the-key-itself': 1,
      list: [12345678901, { deep: 'is the-key-itself' }],
      other: 12,
    });
    expect(shown).toEqual({
      [`x-${MASKED}`]: 1,
      list: [MASKED, { deep: `is ${MASKED}` }],
      other: 12,
    });
  });

  it('takes all of a secret that holds another one', () => {
    expect(createMask(['abcdef', 'abcdefghij']).text('abcdefghij')).toBe(MASKED);
  });

  it('masks every write key that is called so', () => {
    const none = createMask([]);
    expect(none.text('/v1/track?a=1&writeKey=abc&b=2#x')).toBe(
      `/v1/track?a=1&writeKey=${MASKED}&b=2#x`,
    );
    expect(none.text('?write%4bey=abc')).toBe(`?write%4bey=${MASKED}`);
    expect(none.text('{"writeKey" : "abc","type":"track"}')).toBe(
      `{"writeKey" : "${MASKED}","type":"track"}`,
    );
    expect(none.text('{\\"writeKey\\":\\"abc\\"}')).toBe(`{\\"writeKey\\":\\"${MASKED}\\"}`);
    expect(none.text('<writeKey>abc</writeKey>')).toBe(`<writeKey>${MASKED}</writeKey>`);
    expect(none.text('name="writeKey"\r\n\r\nabc\r\n--')).toContain(`\r\n\r\n${MASKED}\r\n`);
    expect(none.json({ context: { writeKey: 'abc' }, writeKey: '' })).toEqual({
      context: { writeKey: MASKED },
      writeKey: '',
    });
  });

  it('leaves what is no secret as it is', () => {
    const text = '{"type":"track","properties":{"url":"https://a.example/?b=%20c&d"}}';
    expect(mask.text(text)).toBe(text);
    expect(createMask([]).text(text)).toBe(text);
  });

  it('takes time in proportion to the text, whatever it is made of', () => {
    const many = createMask(Array.from({ length: 20 }, (_, at) => `${at}-${SECRET}-${at}`));
    for (const unit of ['\\', '%25', '%5C', '&amp;', 'correct-horse', '\\u005c']) {
      const text = unit.repeat((1024 * 1024) / unit.length);
      expect(
        cpuTimeOf(() => void many.text(text)),
        unit,
      ).toBeLessThan(5_000);
    }
  });
});
