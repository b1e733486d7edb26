import { describe, expect, it } from 'vitest';
import type { VerifyConfig } from '../../src/config/config.js';
import { hmac } from '../../src/verify/hmac.js';
import { reasonOf, sign, verdictOf } from './signed.js';

const BODY = Buffer.concat([Buffer.from('{"name":"Zoë"}'), Buffer.from([0xff, 0x00])]);

function verifier(options: Partial<Extract<VerifyConfig, { scheme: 'hmac' }>> = {}) {
  return hmac({
    scheme: 'hmac',
    header: 'X-Hub-Signature',
    secrets: ['old', 'sécret'],
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: '',
    ...options,
  });
}

describe('hmac', () => {
  for (const algorithm of ['sha1', 'sha256', 'sha512'] as const) {
    for (const encoding of ['hex', 'base64'] as const) {
      it(`holds for ${encoding} ${algorithm} of the raw bytes under any secret`, () => {
        for (const secret of ['old', 'sécret']) {
          const rawHeaders = ['x-hub-signature', `v1=${sign(secret, BODY, algorithm, encoding)}`];
          const scheme = verifier({ algorithm, encoding, prefix: 'v1=' });
          expect(verdictOf(scheme, { rawHeaders, body: BODY })).toEqual({
            passed: true,
            covers: 'all',
          });
        }
      });
    }
  }

  it('takes hex in upper case', () => {
    const rawHeaders = ['x-hub-signature', sign('old', BODY, 'sha256').toUpperCase()];
    expect(verdictOf(verifier(), { rawHeaders, body: BODY }).passed).toBe(true);
  });

  it('takes base64 only as it is written out in full', () => {
    const scheme = verifier({ encoding: 'base64' });
    const right = sign('old', BODY, 'sha256', 'base64');
    for (const text of [
      right.replace('=', ''),
      `${right}=`,
      ` ${right}`,
      right.replace('=', '-='),
    ]) {
      const rawHeaders = ['x-hub-signature', text];
      expect(verdictOf(scheme, { rawHeaders, body: BODY }).passed).toBe(false);
    }
  });

  it('holds where any line of a header sent twice is right, readable or not', () => {
    const right = sign('old', BODY, 'sha256');
    for (const other of ['junk', sign('other', BODY, 'sha256')]) {
      const rawHeaders = ['x-hub-signature', other, 'X-Hub-Signature', right];
      expect(verdictOf(verifier(), { rawHeaders, body: BODY }).passed).toBe(true);
    }
  });

  it('fails for another body, another secret and a missing prefix, and says which', () => {
    const right = sign('old', BODY, 'sha256');
    const reason = (value: string, body = BODY, prefix = ''): string =>
      reasonOf(verdictOf(verifier({ prefix }), { rawHeaders: ['x-hub-signature', value], body }));
    const mismatch = 'x-hub-signature is not the signature of the body under a known secret';
    expect(reason(right, Buffer.from('{}'))).toBe(mismatch);
    expect(reason(sign('other', BODY, 'sha256'))).toBe(mismatch);
    expect(reason(right, BODY, 'sha256=')).toBe('x-hub-signature does not begin with sha256=');
    expect(reasonOf(verdictOf(verifier(), { body: BODY }))).toBe('no x-hub-signature header');
  });

  it('never holds for an empty body', () => {
    const rawHeaders = ['x-hub-signature', sign('old', '', 'sha256')];
    const reason = reasonOf(verdictOf(verifier(), { rawHeaders, body: '' }));
    expect(reason).toContain('this delivery has no body');
  });

  it.each(['GET', 'HEAD', 'DELETE'])(
    'holds for %s with a body, which is the event then, and never for its query',
    (method) => {
      const rawHeaders = ['x-hub-signature', sign('old', BODY, 'sha256')];
      expect(verdictOf(verifier(), { method, rawHeaders, body: BODY }).passed).toBe(true);
      const nothing = ['x-hub-signature', sign('old', '', 'sha256')];
      const forged = { method, query: 'forged=1', rawHeaders: nothing, body: '' };
      expect(verdictOf(verifier(), forged).passed).toBe(false);
    },
  );

  it('never holds under an empty secret', () => {
    const rawHeaders = ['x-hub-signature', sign('', BODY, 'sha256')];
    expect(verdictOf(verifier({ secrets: [''] }), { rawHeaders, body: BODY }).passed).toBe(false);
  });
});
