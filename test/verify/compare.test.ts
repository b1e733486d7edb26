import { describe, expect, it } from 'vitest';
import { headerBytes, sameBytes, secretMatcher } from '../../src/verify/compare.js';

describe('secretMatcher', () => {
  it('matches any one of the secrets and nothing else', () => {
    const matches = secretMatcher(['first', 'second']);
    expect(matches(Buffer.from('first'))).toBe(true);
    expect(matches(Buffer.from('second'))).toBe(true);
    expect(matches(Buffer.from('First'))).toBe(false);
    expect(matches(Buffer.from('firs'))).toBe(false);
    expect(matches(Buffer.from('first '))).toBe(false);
  });

  it('never matches an empty secret', () => {
    const matches = secretMatcher(['', 'set']);
    expect(matches(Buffer.alloc(0))).toBe(false);
    expect(matches(Buffer.from('set'))).toBe(true);
    expect(secretMatcher([])(Buffer.alloc(0))).toBe(false);
  });

  it('takes a secret beyond ASCII as UTF-8 and as Latin-1', () => {
    const matches = secretMatcher(['sécret']);
    expect(matches(Buffer.from('sécret', 'utf8'))).toBe(true);
    expect(matches(Buffer.from('sécret', 'latin1'))).toBe(true);
  });

  it('does not fold a secret beyond Latin-1 onto other bytes', () => {
    const matches = secretMatcher(['東']);
    expect(matches(Buffer.from('東', 'latin1'))).toBe(false);
    expect(matches(Buffer.from('東', 'utf8'))).toBe(true);
  });
});

describe('sameBytes', () => {
  it('is false for other lengths rather than throwing', () => {
    expect(sameBytes(Buffer.from('ab'), Buffer.from('abc'))).toBe(false);
    expect(sameBytes(Buffer.from('abc'), Buffer.from('abc'))).toBe(true);
  });
});

describe('headerBytes', () => {
  it('gives back the bytes that Node decoded as Latin-1', () => {
    const wire = Buffer.from('Zoë 東', 'utf8');
    expect(headerBytes(wire.toString('latin1'))).toEqual(wire);
  });
});
