import fc from 'fast-check';
import { XMLBuilder } from 'fast-xml-parser';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../../src/decode/limits.js';
import { decodeXml } from '../../../src/decode/xml/parse.js';
import { refusalOf } from '../refusal.js';

const decode = (text: string) => decodeXml(text, LIMITS);

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('an XML body', () => {
  it('is the event in its root element, as RudderStack builds it', () => {
    const event = {
      type: 'track',
      event: 'Order <Completed> & "paid"',
      properties: { order_id: '007', products: [{ sku: 'a' }, { sku: 'b' }], coupon: '' },
    };
    const builder = new XMLBuilder({ suppressEmptyNode: true });
    const text = `<?xml version="1.0" encoding="UTF-8"?>${builder.build({ root: event })}`;
    expect(decode(text)).toStrictEqual(event);
  });

  it.each([
    [
      '<r><a>007</a><b>true</b><c> x </c><d>1e3</d></r>',
      { a: '007', b: 'true', c: ' x ', d: '1e3' },
    ],
    ['<r>\n  <a>1</a>\n  <b>\n <c>2</c>\n</b></r>\n', { a: '1', b: { c: '2' } }],
    ['<r><a/><b></b><a>2</a></r>', { a: ['', '2'], b: '' }],
    [
      '<r><context/><properties></properties><traits/><integrations/><name/></r>',
      { context: {}, properties: {}, traits: {}, integrations: {}, name: '' },
    ],
    [
      '<r id="1"><a b="x &amp; y">t</a><c d="2"/></r>',
      { '@_id': '1', a: { '@_b': 'x & y', '#text': 't' }, c: { '@_d': '2' } },
    ],
    ['<r><p>one <b>two</b> three</p></r>', { p: { b: 'two', '#text': 'one  three' } }],
    [
      '<r><a>&lt;&gt;&amp;&apos;&quot;&#65;&#x1F600;</a><b>&amp;lt;</b><c>&nbsp;</c></r>',
      { a: '<>&\'"A😀', b: '&lt;', c: '&nbsp;' },
    ],
    ['<r><a>x&#9;&#xA;&#13;y&#x10FFFF;</a></r>', { a: 'x\t\n\ry\u{10ffff}' }],
    ['<r><a><![CDATA[<b>&amp;</b>]]>&amp;</a></r>', { a: '<b>&amp;</b>&' }],
    [
      '<!-- <!DOCTYPE x> --><?pi <!ENTITY?><r><!-- c --><a>1</a><b><![CDATA[<!DOCTYPE]]></b></r>',
      { a: '1', b: '<!DOCTYPE' },
    ],
    ['<ns:r xmlns:ns="u"><ns:a>1</ns:a></ns:r>', { '@_xmlns:ns': 'u', 'ns:a': '1' }],
    ['\n<?xml version="1.0"?>\n<r><a>1</a></r>', { a: '1' }],
    ['<r/>', {}],
    ['<r> </r>', {}],
  ])('keeps texts as they stand: %s', (text, value) => {
    expect(decode(text)).toStrictEqual(value);
  });

  it('loses prototype keys and keeps names that every object inherits', () => {
    const text =
      '<r><__proto__><polluted>1</polluted></__proto__><constructor><prototype>1</prototype></constructor>' +
      '<a><constructor>2</constructor><toString/><__proto__/></a></r>';
    const value = decode(text);
    expect(JSON.stringify(value)).toBe('{"a":{"constructor":"2","toString":""}}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it.each([
    ['<r><a></r>', 'a tag is malformed'],
    ['<r><a x="1" x="2"/></r>', 'an attribute'],
    ['<r>a & b</r>', 'a character'],
    ['<r/><s/>', 'one closed root element'],
    ['<r/>text', 'nothing after it'],
    ['<r/>x<!-- c -->', 'nothing after it'],
    ['<r/><![CDATA[x]]>', 'nothing after it'],
    ['<r/></document><s>', 'a tag is malformed'],
    ['<r><a>1</a></r>text', 'nothing after it'],
    ['<r><a>1</a>', 'a tag is malformed'],
    ['<r><!-- never closed</r>', 'is missing its closing'],
    ['<r><![CDATA[never closed</r>', 'is missing its closing'],
    ['<r><a>&#0;</a></r>', 'does not allow'],
    ['<r><a>&#x110000;</a></r>', 'does not allow'],
    ['<r>only text</r>', 'only text'],
    ['not XML', 'a character'],
    ['<?xml version="1.0"?>', 'one closed root element'],
  ])('is refused where it is broken: %s', (text, reason) => {
    const error = refusalOf(() => decode(text));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).toContain(reason);
  });

  it('is refused with the place of the fault and without its content', () => {
    const error = refusalOf(() => decode('<r>\n<secret>x</other></r>'));
    expect(error.message).toContain('line 2, column 10');
    expect(error.message).not.toMatch(/secret|other/);
    const reference = refusalOf(() => decode('<r>\n<a>xyz&#0;</a></r>'));
    expect(reference.message).toContain('line 2, column 7');
  });

  it.each([
    '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r><x>&b;</x></r>',
    '<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
    '<r><!DOCTYPE r><a>1</a></r>',
    '<r><!ENTITY a "b"><a>1</a></r>',
  ])('is refused with a document type or entities: %s', (text) => {
    const error = refusalOf(() => decode(text));
    expect(error).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
    expect(error.message).toContain('document type');
  });

  it('may be as deep as the limit and not deeper', () => {
    const nested = (depth: number) => `${'<a>'.repeat(depth)}1${'</a>'.repeat(depth)}`;
    // The root element is a level, the innermost element a text.
    expect(() => decode(nested(LIMITS.depth + 1))).not.toThrow();
    const deeper = nested(LIMITS.depth + 1).replace(
      '<a>1',
      '<a b="an attribute makes it an object">1',
    );
    expect(refusalOf(() => decode(deeper)).code).toBe('LIMIT_EXCEEDED');
    for (const depth of [LIMITS.depth + 2, 100_000]) {
      expect(refusalOf(() => decode(nested(depth)))).toMatchObject({
        code: 'LIMIT_EXCEEDED',
        status: 400,
      });
    }
  });

  it('may have as many elements and attributes as the limit and not more', () => {
    const limits = { ...LIMITS, keys: 3 };
    expect(() => decodeXml('<r><a b="1"/><a/></r>', limits)).not.toThrow();
    expect(refusalOf(() => decodeXml('<r><a b="1"/><a/><a/></r>', limits)).code).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  it.each(['&amp;', '&#65;', '&#x41;', '&nbsp;'])(
    'may have any number of references: an escaped text has one for every quote: %s',
    (reference) => {
      const limits = { ...LIMITS, keys: 5 };
      const replaced = { '&amp;': '&', '&nbsp;': '&nbsp;' }[reference] ?? 'A';
      const text = reference.repeat(20_000);
      expect(decodeXml(`<r a="${text}"><b>x${text}y</b></r>`, limits)).toEqual({
        '@_a': replaced.repeat(20_000),
        b: `x${replaced.repeat(20_000)}y`,
      });
    },
  );

  it('may have anything beside its elements, any number of times', () => {
    const beside = '<!-- > <a> --><?pi a="1"?>\n'.repeat(5_000);
    const limits = { ...LIMITS, keys: 2 };
    const text = `${beside}<r${' '.repeat(5_000)}><a${'\n'.repeat(5_000)}>1${beside}</a\t>${beside}<b/></r >${beside}`;
    const value = decodeXml(text, limits);
    expect(value).toEqual({ a: `1${'\n'.repeat(5_000)}`, b: '' });
  });

  it('may have any text in an attribute, and as many attributes as the limit has keys', () => {
    const limits = { ...LIMITS, keys: 500 };
    const text = `a = 'b' > c ${' '.repeat(5_000)}`;
    expect(decodeXml(`<r a="${text}"><b>1</b></r>`, limits)).toEqual({ '@_a': text, b: '1' });
    const attributes = Array.from({ length: 500 }, (_, index) => `a${index}="1"`).join(' ');
    expect(() => decodeXml(`<r ${attributes}/>`, limits)).not.toThrow();
  });

  it.each([
    ['without values', `<r ${'a '.repeat(3_000)}/>`],
    ['of equals signs', `<r ${'a='.repeat(3_000)}/>`],
    ['without names', `<r a${'=""'.repeat(1_500)}/>`],
    ['without a space between', '<r a="1"b="2"/>'],
    ['without quotes', '<r a=1/>'],
    ['that never end', '<r a="1/>'],
    ['with a tag inside', '<r a="<b>"/>'],
    ['with a stray ampersand', '<r a="a & b"/>'],
  ])('is refused for attributes %s', (_, text) => {
    expect(refusalOf(() => decode(text))).toMatchObject({ code: 'BODY_MALFORMED', status: 400 });
  });

  it('is any event that RudderStack builds', () => {
    const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,5}$/).filter((key) => !(key in {}));
    const text = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((one) => !/[\p{Cc}\ufffe\uffff]/u.test(one));
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.dictionary(name, tie('value'), { minKeys: 1 }),
        fc.array(text, { minLength: 2 }),
      ),
    }));
    const builder = new XMLBuilder({ suppressEmptyNode: true });
    fc.assert(
      fc.property(fc.dictionary(name, value, { minKeys: 1 }), (event) => {
        const built = `<?xml version="1.0" encoding="UTF-8"?>${builder.build({ root: event })}`;
        expect(decode(built)).toEqual(event);
      }),
    );
  });
});
