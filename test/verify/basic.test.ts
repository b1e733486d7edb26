import { describe, expect, it } from 'vitest';
import { basic } from '../../src/verify/basic.js';
import { basicHeader, reasonOf, verdictOf } from './signed.js';

describe('basic', () => {
  const verifier = basic({ scheme: 'basic', secrets: ['ann:pass:word', 'key:', ':', 'bare'] });

  it.each(['ann:pass:word', 'key:'])('holds for the listed %s', (user) => {
    const verdict = verdictOf(verifier, { rawHeaders: ['Authorization', basicHeader(user)] });
    expect(verdict).toEqual({ passed: true, covers: 'all' });
  });

  it('takes the name of the scheme in any case', () => {
    const line = basicHeader('key:').replace('Basic', 'bAsIc');
    expect(verdictOf(verifier, { rawHeaders: ['authorization', line] }).passed).toBe(true);
  });

  it('holds where any of two Authorization lines is right', () => {
    const rawHeaders = [
      'authorization',
      basicHeader('no:no'),
      'Authorization',
      basicHeader('key:'),
    ];
    expect(verdictOf(verifier, { rawHeaders }).passed).toBe(true);
  });

  it.each(['ann:pass', 'ann', 'ANN:pass:word', 'key', ':', '', 'bare'])('fails for %j', (user) => {
    const verdict = verdictOf(verifier, { rawHeaders: ['authorization', basicHeader(user)] });
    expect(verdict.passed).toBe(false);
  });

  it.each(['Basic !a2V5Og==', 'Basic a2V5Og', 'Basic a2V5 Og==', 'Basic', 'Bearer a2V5Og=='])(
    'does not read %j as Basic credentials',
    (line) => {
      const reason = reasonOf(verdictOf(verifier, { rawHeaders: ['authorization', line] }));
      expect(reason).toBe('no valid Authorization: Basic header');
    },
  );

  it('fails without the header and never repeats what was sent', () => {
    expect(reasonOf(verdictOf(verifier, {}))).toBe('no valid Authorization: Basic header');
    const rawHeaders = ['authorization', basicHeader('someone:hunter2')];
    expect(reasonOf(verdictOf(verifier, { rawHeaders }))).toBe(
      'the user and password of Authorization: Basic are not listed',
    );
  });
});
