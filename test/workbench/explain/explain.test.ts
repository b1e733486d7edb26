import { createHash, createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { explainSignature, type ToExplain } from '../../../src/workbench/explain/explain.js';

const SECRET = 'correct-horse-battery';
const EVENT =
  '{"type":"track","event":"Order <Completed> é/1","messageId":"m-1","userId":"u-1","properties":{"revenue":39.95,"big":1e+21,"a":1}}';
const OTHER = '{"type":"track","event":"Other","messageId":"m-2","userId":"u-2"}';
const ARRAY = `[${EVENT},${OTHER}]`;

const hmac = (
  signed: string | Buffer,
  secret: string | Buffer = SECRET,
  algorithm = 'sha1',
): Buffer => createHmac(algorithm, secret).update(signed).digest();
const sign = (signed: string | Buffer, secret: string | Buffer = SECRET): string =>
  hmac(signed, secret).toString('hex');
const explain = (body: string | Buffer, signature: string, more: Partial<ToExplain> = {}) =>
  explainSignature({
    secrets: [SECRET],
    signature,
    body: Buffer.from(body),
    batch: 'first-element',
    ...more,
  });
/** The ids of what is wrong. */
const causes = (body: string | Buffer, signature: string, more: Partial<ToExplain> = {}) => {
  const found = explain(body, signature, more);
  return found.valid ? 'valid' : found.causes.map(({ id }) => id);
};

describe('a signature that holds', () => {
  it('is over the whole body, and covers all', () => {
    expect(explain(EVENT, sign(EVENT))).toEqual({
      valid: true,
      secret: 1,
      over: { part: 'body', from: 0, to: Buffer.byteLength(EVENT) },
      covers: 'all',
    });
  });

  it('is over the first element, at its offsets, and covers the first alone', () => {
    expect(explain(` [ ${EVENT} , ${OTHER}]`, sign(EVENT))).toMatchObject({
      over: { part: 'first-element', from: 3, to: 3 + Buffer.byteLength(EVENT) },
      covers: 'first',
    });
  });

  it('is over the json member of the first element', () => {
    expect(explain(`[{"json":${EVENT}},{"json":${OTHER}}]`, sign(EVENT))).toMatchObject({
      over: { part: 'first-element-json', from: 9 },
      covers: 'first',
    });
  });

  it('names which of several secrets made it, and takes upper case', () => {
    const found = explain(EVENT, sign(EVENT).toUpperCase(), { secrets: ['old-secret', SECRET] });
    expect(found).toMatchObject({ valid: true, secret: 2 });
  });
});

describe('a signature that does not hold', () => {
  const python = JSON.stringify(JSON.parse(EVENT)).replace('é', '\\u00e9');
  const sorted = '{"event":"E","messageId":"m-1","type":"track","userId":"u"}';
  const unsorted = '{"type":"track","event":"E","messageId":"m-1","userId":"u"}';
  const zipped = gzipSync(EVENT);

  it.each<[string, string | Buffer, string, string[]]>([
    ['line feed added', `${EVENT}\n`, sign(EVENT), ['line-end']],
    ['line feed taken away', EVENT, sign(`${EVENT}\n`), ['line-end']],
    ['LF made CR LF', '{\r\n"a":1\r\n}', sign('{\n"a":1\n}'), ['line-end']],
    ['byte order mark added', `\ufeff${EVENT}`, sign(EVENT), ['byte-order-mark']],
    ['byte order mark taken away', EVENT, sign(`\ufeff${EVENT}`), ['byte-order-mark']],
    ['whitespace added', JSON.stringify(JSON.parse(EVENT), null, 2), sign(EVENT), ['reserialized']],
    [
      'Python’s spaces added',
      '{"a": [1, 2], "b": "x"}',
      sign('{"a":[1,2],"b":"x"}'),
      ['reserialized'],
    ],
    ['escapes added', python, sign(EVENT), ['reserialized']],
    ['slashes escaped', EVENT.replace('/', '\\/'), sign(EVENT), ['reserialized']],
    [
      'Go’s escapes',
      EVENT.replace('<', '\\u003c').replace('>', '\\u003e'),
      sign(EVENT),
      ['reserialized'],
    ],
    [
      'signed as Go writes it',
      unsorted.replace('"E"', '"<E>"'),
      sign(sorted.replace('"E"', '"\\u003cE\\u003e"')),
      ['reserialized'],
    ],
    ['1.0 made 1', '{"a":1,"b":2}', sign('{"a":1.0,"b":2}'), ['reserialized']],
    ['1e21 rewritten', '{"a":1e21}', sign('{"a":1e+21}'), ['reserialized']],
    ['keys sorted', sorted, sign(unsorted), ['key-order']],
    [
      'keys sorted within an object',
      '{"p":{"a":1,"b":2},"t":3}',
      sign('{"t":3,"p":{"b":2,"a":1}}'),
      ['key-order'],
    ],
    ['normalized', '{"a":"e\u0301"}', sign('{"a":"\u00e9"}'), ['charset']],
    ['Latin-1 signed', EVENT, sign(Buffer.from(EVENT, 'latin1')), ['charset']],
    [
      'Latin-1 made UTF-8 twice',
      Buffer.from(Buffer.from(EVENT).toString('latin1')),
      sign(EVENT),
      ['charset'],
    ],
    ['UTF-16 signed', EVENT, sign(Buffer.from(EVENT, 'utf16le')), ['charset']],
    ['second element signed', ARRAY, sign(OTHER), ['other-element']],
    ['an element taken out of its array', EVENT, sign(`[${EVENT}]`), ['unwrapped']],
    ['the batch wrapped', `{"batch":${ARRAY}}`, sign(ARRAY), ['wrapped']],
    [
      'the element re-serialized',
      `[${JSON.stringify(JSON.parse(EVENT), null, 1)}]`,
      sign(EVENT),
      ['first-element', 'reserialized'],
    ],
    ['extras added', `${EVENT.slice(0, -1)},"x":1,"y":2}`, sign(EVENT), ['added-members']],
    ['a member added within', `{"added":1,${EVENT.slice(1)}`, sign(EVENT), ['added-members']],
    ['base64', EVENT, hmac(EVENT).toString('base64'), ['encoding']],
    ['base64url', EVENT, hmac(EVENT).toString('base64url'), ['encoding']],
    ['base64 of the hex', EVENT, Buffer.from(sign(EVENT)).toString('base64'), ['encoding']],
    ['sha256', EVENT, hmac(EVENT, SECRET, 'sha256').toString('hex'), ['algorithm']],
    ['sha512', EVENT, hmac(EVENT, SECRET, 'sha512').toString('hex'), ['algorithm']],
    ['md5', EVENT, hmac(EVENT, SECRET, 'md5').toString('hex'), ['algorithm']],
    [
      'sha256 in base64',
      EVENT,
      hmac(EVENT, SECRET, 'sha256').toString('base64'),
      ['encoding', 'algorithm'],
    ],
    ['a prefix', EVENT, `sha1=${sign(EVENT)}`, ['prefix']],
    [
      'a prefix and sha256',
      EVENT,
      `sha256=${hmac(EVENT, SECRET, 'sha256').toString('hex')}`,
      ['prefix', 'algorithm'],
    ],
    ['quotes', EVENT, `"${sign(EVENT)}"`, ['quotes']],
    ['cut', EVENT, sign(EVENT).slice(0, 32), ['cut']],
    [
      'Stripe’s way',
      EVENT,
      `t=17,v1=${hmac(`17.${EVENT}`, SECRET, 'sha256').toString('hex')}`,
      ['timestamped', 'algorithm'],
    ],
    ['secret with a line end', EVENT, sign(EVENT, `${SECRET}\n`), ['secret-whitespace']],
    ['secret in quotes', EVENT, sign(EVENT, `"${SECRET}"`), ['secret-whitespace']],
    ['no secret', EVENT, sign(EVENT, ''), ['no-secret']],
    ['an undefined secret', EVENT, sign(EVENT, 'undefined'), ['no-secret']],
    [
      'a plain hash',
      EVENT,
      createHash('sha1')
        .update(SECRET + EVENT)
        .digest('hex'),
      ['not-hmac'],
    ],
    ['a hash without secret', EVENT, createHash('sha1').update(EVENT).digest('hex'), ['not-hmac']],
    [
      'key and message swapped',
      EVENT,
      createHmac('sha1', EVENT).update(SECRET).digest('hex'),
      ['not-hmac'],
    ],
    ['the secret itself', EVENT, SECRET, ['shared-secret']],
    ['signed before compression, body given compressed', zipped, sign(EVENT), ['compressed']],
    ['signed after compression', EVENT, sign(zipped), ['signed-compressed']],
    ['a body in base64', Buffer.from(EVENT).toString('base64'), sign(EVENT), ['base64-body']],
    ['a form, signed as JSON', 'a=1&b=x+y', sign('{"a":"1","b":"x y"}'), ['form']],
    ['a form, decoded', 'a=1&b=x y', sign('a=1&b=x+y'), ['form']],
    ['JSON in a JSON string', JSON.stringify(EVENT), sign(EVENT), ['double-encoded']],
    ['an empty body signed', EVENT, sign(''), ['not-the-body']],
    ['an object’s text signed', EVENT, sign('[object Object]'), ['not-the-body']],
    ['no body at all', '', sign(''), ['empty-body']],
    ['a member twice', `[{"a":1,"a":2}]`, sign('{"a":1,"a":2}'), ['repeated-member']],
    [
      're-serialized and sha256',
      '{"a": 1}',
      hmac('{"a":1}', SECRET, 'sha256').toString('hex'),
      ['reserialized', 'algorithm'],
    ],
    [
      'a line end and base64',
      `${EVENT}\n`,
      hmac(EVENT).toString('base64'),
      ['line-end', 'encoding'],
    ],
    [
      'indented, with extras',
      JSON.stringify({ ...JSON.parse('{"a":1,"b":"x"}'), extra: 1 }, null, 2),
      sign('{"a":1,"b":"x"}'),
      ['added-members', 'reserialized'],
    ],
  ])('is explained: %s', (_, body, signature, expected) => {
    expect(causes(body, signature)).toEqual(expected);
  });

  it.each([
    ['hex', Buffer.from('00ff10203040506070', 'hex'), '00ff10203040506070'],
    [
      'base64',
      Buffer.from('a secret of bytes'),
      Buffer.from('a secret of bytes').toString('base64'),
    ],
    [
      'base64 after whsec_',
      Buffer.from('some bytes'),
      `whsec_${Buffer.from('some bytes').toString('base64')}`,
    ],
  ])('is explained: the secret decoded from %s', (_, key, secret) => {
    expect(causes(EVENT, sign(EVENT, key), { secrets: [secret] })).toEqual(['secret-encoding']);
  });

  it('is explained: whitespace around the secret that was given', () => {
    expect(causes(EVENT, sign(EVENT), { secrets: [`${SECRET} `] })).toEqual(['secret-whitespace']);
  });

  it('is explained: Standard Webhooks', () => {
    const signature = `v1,${hmac(`msg_1.17.${EVENT}`, SECRET, 'sha256').toString('base64')}`;
    const ids = { id: 'msg_1', timestamp: '17' };
    expect(causes(EVENT, signature, { ids })).toEqual([
      'standard-webhooks',
      'encoding',
      'algorithm',
    ]);
  });

  it('is explained: only the first element is signed where the whole body has to be', () => {
    expect(causes(ARRAY, sign(EVENT), { batch: 'whole-body' })).toEqual(['first-element']);
  });

  it('says which of several secrets made it', () => {
    const found = explain(`${EVENT}\n`, sign(EVENT), { secrets: ['another-secret', SECRET] });
    expect(found).toMatchObject({ valid: false, secret: 2 });
  });

  it('that nothing explains says so, and what is remarkable', () => {
    const found = explain('{"a": 1}', sign('x', 'a secret nobody gave'));
    expect(found).toMatchObject({ valid: false, causes: [] });
    expect(JSON.stringify(found)).toContain('Python');
    const form = explain('a=1&nested=%5Bobject+Object%5D', sign('{"a":1,"nested":{}}'));
    expect(form).toMatchObject({ causes: [], remarks: [expect.stringContaining('is a form')] });
    expect(explain(EVENT, 'nonsense')).toMatchObject({
      causes: [],
      remarks: [expect.stringContaining('not a hex')],
    });
  });

  it('never repeats the secret', () => {
    for (const signature of [sign(EVENT, `${SECRET}\n`), SECRET, sign('x'), `sha1=${SECRET}`]) {
      expect(JSON.stringify(explain(EVENT, signature))).not.toContain(SECRET);
    }
  });

  it('is given up in seconds, however large the body', () => {
    const body = JSON.stringify(
      Array.from({ length: 4_000 }, (_, at) => ({ ...JSON.parse(EVENT), messageId: `m-${at}` })),
    );
    // Time on the processor, which other work on the machine does not lengthen.
    const before = process.cpuUsage();
    expect(causes(body, sign('x', 'unknown'))).toEqual([]);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000_000).toBeLessThan(30);
  });
});
