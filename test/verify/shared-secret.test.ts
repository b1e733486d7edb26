import { describe, expect, it } from 'vitest';
import { sharedSecret } from '../../src/verify/shared-secret.js';
import { reasonOf, verdictOf } from './signed.js';

describe('shared-secret', () => {
  const verifier = sharedSecret({
    scheme: 'shared-secret',
    header: 'X-Signature',
    secrets: ['old-secret', 'new-secret'],
  });

  it.each(['old-secret', 'new-secret'])('holds for everything with the secret %s', (secret) => {
    const verdict = verdictOf(verifier, { rawHeaders: ['x-signature', secret] });
    expect(verdict).toEqual({ passed: true, covers: 'all' });
  });

  it('holds for a GET, whose event is in the query', () => {
    const rawHeaders = ['X-SIGNATURE', 'new-secret'];
    expect(verdictOf(verifier, { method: 'GET', query: 'a=1', rawHeaders }).passed).toBe(true);
  });

  it('holds where any line of a header sent twice is right', () => {
    const wrong = ['x-signature', 'wrong'];
    const right = ['X-Signature', 'new-secret'];
    expect(verdictOf(verifier, { rawHeaders: [...wrong, ...right] }).passed).toBe(true);
    expect(verdictOf(verifier, { rawHeaders: [...right, ...wrong] }).passed).toBe(true);
    expect(verdictOf(verifier, { rawHeaders: [...wrong, ...wrong] }).passed).toBe(false);
  });

  it('fails without the header', () => {
    expect(reasonOf(verdictOf(verifier, {}))).toBe('no x-signature header');
  });

  it.each(['', 'new-secre', 'new-secretx', 'NEW-SECRET', 'undefined'])(
    'fails with %j and repeats neither it nor a secret',
    (sent) => {
      const verdict = verdictOf(verifier, { rawHeaders: ['x-signature', sent] });
      expect(reasonOf(verdict)).toBe('x-signature is not a known secret');
    },
  );

  it('never holds for an empty secret', () => {
    const empty = sharedSecret({ scheme: 'shared-secret', header: 'x-signature', secrets: [''] });
    expect(verdictOf(empty, { rawHeaders: ['x-signature', ''] }).passed).toBe(false);
    expect(verdictOf(empty, {}).passed).toBe(false);
  });

  it('holds for a secret beyond ASCII that was sent as UTF-8', () => {
    const accented = sharedSecret({
      scheme: 'shared-secret',
      header: 'x-key',
      secrets: ['sécret'],
    });
    const asNodeReadsIt = Buffer.from('sécret', 'utf8').toString('latin1');
    expect(verdictOf(accented, { rawHeaders: ['x-key', asNodeReadsIt] }).passed).toBe(true);
  });

  it('reads the first eight lines of its header, and no further ones', () => {
    const scheme = sharedSecret({ scheme: 'shared-secret', header: 'x-key', secrets: ['mine'] });
    const behind = (others: number): boolean => {
      const lines = Array.from({ length: others }, () => ['x-key', 'no']).flat();
      return verdictOf(scheme, { rawHeaders: [...lines, 'x-key', 'mine'] }).passed;
    };
    expect([behind(7), behind(8)]).toEqual([true, false]);
  });
});
