import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { VerifyConfig } from '../../src/config/config.js';
import { segmentSignature } from '../../src/verify/segment-signature.js';
import { reasonOf, sign, verdictOf } from './signed.js';

interface Vector {
  readonly name: string;
  readonly secret: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signs: 'body' | 'first-element' | 'first-element-json' | 'nothing';
  readonly verdict: 'valid' | 'invalid';
}

const FIXTURE = new URL('../fixtures/segment-signatures.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(FIXTURE, 'utf8')) as { cases: Vector[] };

const SECRET = 'trackbridge-shared-secret';

function verifier(options: Partial<Extract<VerifyConfig, { scheme: 'segment-signature' }>> = {}) {
  return segmentSignature({
    scheme: 'segment-signature',
    header: 'x-signature',
    secrets: [SECRET],
    batch: 'first-element',
    ...options,
  });
}

function verdict(body: string | Buffer, signature: string, scheme = verifier()) {
  return verdictOf(scheme, { rawHeaders: ['X-Signature', signature], body });
}

describe('segment-signature over the vectors', () => {
  it('has vectors of every kind', () => {
    expect(new Set(cases.map((vector) => vector.signs)).size).toBe(4);
    expect(cases.length).toBeGreaterThanOrEqual(18);
  });

  it.each(cases)('$name: $verdict', (vector) => {
    const scheme = verifier({ secrets: [vector.secret] });
    const rawHeaders = Object.entries(vector.headers).flat();
    const found = verdictOf(scheme, { rawHeaders, body: vector.body });
    expect(found.passed).toBe(vector.verdict === 'valid');
    if (found.passed) expect(found.covers).toBe(vector.signs === 'body' ? 'all' : 'first');
  });

  it.each(cases)('$name: holds by the whole body alone where that was asked for', (vector) => {
    const scheme = verifier({ secrets: [vector.secret], batch: 'whole-body' });
    const rawHeaders = Object.entries(vector.headers).flat();
    const found = verdictOf(scheme, { rawHeaders, body: vector.body });
    expect(found.passed).toBe(vector.verdict === 'valid' && vector.signs === 'body');
  });
});

describe('segment-signature', () => {
  const event = '{"type":"track","event":"E","n":1.0}';
  const signature = sign(SECRET, event);

  it('signs with a secret as UTF-8', () => {
    const scheme = verifier({ secrets: ['sécret'] });
    expect(verdict(event, sign('sécret', event), scheme).passed).toBe(true);
  });

  it('takes any of several secrets', () => {
    const scheme = verifier({ secrets: ['next-secret', SECRET] });
    expect(verdict(`[${event}]`, signature, scheme).passed).toBe(true);
    expect(verdict(`[${event}]`, sign('next-secret', event), scheme).passed).toBe(true);
  });

  it('verifies bytes, not text: a byte that is no UTF-8 is signed as it is', () => {
    const body = Buffer.concat([
      Buffer.from('{"a":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    expect(verdict(body, sign(SECRET, body)).passed).toBe(true);
    const replaced = Buffer.from(body.toString('utf8'));
    expect(verdict(replaced, sign(SECRET, body)).passed).toBe(false);
  });

  it('finds the first element behind a byte order mark and whitespace', () => {
    expect(verdict(`\ufeff \r\n\t[ ${event} ,{"forged":1}]`, signature)).toEqual({
      passed: true,
      covers: 'first',
    });
  });

  it('vouches for the first element alone, also in a batch of one', () => {
    expect(verdict(`[${event}]`, signature)).toEqual({ passed: true, covers: 'first' });
  });

  it('vouches for everything where the whole batch was signed', () => {
    const batch = `[${event},${event}]`;
    expect(verdict(batch, sign(SECRET, batch))).toEqual({ passed: true, covers: 'all' });
  });

  it.each([
    ['in second place', `[{"forged":1},${event}]`],
    ['deeper in the first element', `[{"a":${event}}]`],
    ['in a json member that is not the only one', `[{"json":${event},"x":1}]`],
    ['in the later of two json members', `[{"json":{"forged":1},"json":${event}}]`],
    ['in the earlier of two json members', `[{"json":${event},"js\\u006fn":{"forged":1}}]`],
    ['in a batch envelope', `{"batch":[${event}]}`],
    ['in a json member without a batch', `{"json":${event}}`],
    ['with whitespace after it', `[${event} x]`],
    ['in a batch cut short', `[${event}`],
  ])('does not hold for a signed element %s', (_where, body) => {
    expect(verdict(body, signature).passed).toBe(false);
  });

  it('does not hold by the element rule where a member comes twice', () => {
    for (const twice of ['{"type":"a","type":"b"}', '{"type":"a","t\\u0079pe":"b"}']) {
      const signed = sign(SECRET, twice);
      expect(verdict(`[${twice}]`, signed).passed).toBe(false);
      expect(verdict(`[{"json":${twice}}]`, signed).passed).toBe(false);
      expect(verdict(`[{"json":${twice}}]`, sign(SECRET, `{"json":${twice}}`)).passed).toBe(false);
      expect(verdict(twice, signed).passed).toBe(true);
    }
  });

  it('does not hold by the element rule where a later byte would have the text read in another charset', () => {
    const forged = Buffer.concat([
      Buffer.from(`[${event},"`),
      Buffer.from([0xff]),
      Buffer.from('"]'),
    ]);
    expect(verdict(forged, signature).passed).toBe(false);
    expect(verdict(forged, sign(SECRET, forged))).toEqual({ passed: true, covers: 'all' });
  });

  it('knows the json member by its unescaped name', () => {
    expect(verdict(`[{"js\\u006fn" : ${event} }]`, signature).passed).toBe(true);
  });

  it('holds where the wrapped element itself was signed', () => {
    const wrapped = `{"json":${event}}`;
    expect(verdict(`[${wrapped}]`, sign(SECRET, wrapped)).passed).toBe(true);
  });

  it('holds where any of two signature lines is right', () => {
    const rawHeaders = ['x-signature', 'a static value', 'X-Signature', signature];
    expect(verdictOf(verifier(), { rawHeaders, body: event }).passed).toBe(true);
  });

  it('never holds for an empty body', () => {
    expect(verdict('', sign(SECRET, '')).passed).toBe(false);
  });

  it('never holds for a batch whose first element has a member twice, whatever is signed', () => {
    const element = '{"type":"track","type":"identify"}';
    expect(verdict(`[${element}]`, sign(SECRET, element)).passed).toBe(false);
    expect(verdict(`[${element}]`, sign(SECRET, `[${element}]`)).passed).toBe(false);
  });

  it('never holds under an empty secret', () => {
    expect(verdict(event, sign('', event), verifier({ secrets: [''] })).passed).toBe(false);
  });

  const expected = 'the bare hex HMAC-SHA1 is expected';
  it.each([
    ['a prefix', `sha1=${signature}`, `x-signature has a sha1= prefix; ${expected}`],
    [
      'SHA-256',
      sign(SECRET, event, 'sha256'),
      `x-signature looks like a hex HMAC-SHA256; ${expected}`,
    ],
    [
      'base64',
      sign(SECRET, event, 'sha1', 'base64'),
      `x-signature looks like a base64 HMAC-SHA1; ${expected}`,
    ],
    [
      'a digit too few',
      signature.slice(1),
      `x-signature is not hex of the expected length; ${expected}`,
    ],
    ['other letters', 'z'.repeat(40), `x-signature is not hex of the expected length; ${expected}`],
    ['nothing', '', `x-signature is not hex of the expected length; ${expected}`],
    ['whitespace', ` ${signature}`, `x-signature is not hex of the expected length; ${expected}`],
    [
      'another secret',
      sign('other', event),
      'x-signature is not the signature of the body or its first element under a known secret',
    ],
  ])('says what is wrong with %s, never what would be right', (_what, sent, reason) => {
    expect(reasonOf(verdict(event, sent))).toBe(reason);
    expect(reason).not.toContain(signature);
  });
});
