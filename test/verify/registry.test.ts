import { describe, expect, it } from 'vitest';
import type { VerifyConfig } from '../../src/config/config.js';
import { systemClock } from '../../src/core/clock.js';
import { createVerifier } from '../../src/verify/registry.js';
import { signedOf } from './signed.js';

const CONFIGS: readonly VerifyConfig[] = [
  { scheme: 'segment-signature', header: 'x-signature', secrets: ['s'], batch: 'first-element' },
  { scheme: 'shared-secret', header: 'x-signature', secrets: ['s'] },
  {
    scheme: 'hmac',
    header: 'x-signature',
    secrets: ['s'],
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: '',
  },
  { scheme: 'basic', secrets: ['u:p'] },
  { scheme: 'write-key', secrets: ['WK'] },
  { scheme: 'jwt', key: 'a secret that is long enough for HS256', algorithms: ['HS256'] },
];

describe('createVerifier', () => {
  it.each(CONFIGS)(
    'builds $scheme, which refuses a delivery that carries nothing',
    async (config) => {
      const verifier = createVerifier(config, systemClock);
      expect(verifier.scheme).toBe(config.scheme);
      const verdict = await verifier.verify(signedOf(), new AbortController().signal);
      expect(verdict.passed).toBe(false);
    },
  );

  it('builds none, which refuses nothing', () => {
    const verifier = createVerifier({ scheme: 'none' }, systemClock);
    expect(verifier.scheme).toBe('none');
    expect(verifier.verify(signedOf(), new AbortController().signal)).toMatchObject({
      passed: true,
    });
  });
});
