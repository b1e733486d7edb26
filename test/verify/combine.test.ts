import { describe, expect, it } from 'vitest';
import { rejectedByHead, type Verification, verifyAll } from '../../src/verify/combine.js';
import type { Verdict, Verifier } from '../../src/verify/verifier.js';
import { signedOf } from './signed.js';

const { signal } = new AbortController();
const ALL: Verdict = { passed: true, covers: 'all' };
const FIRST: Verdict = { passed: true, covers: 'first' };
const NOTHING: Verdict = { passed: true, covers: 'nothing' };
const FAILS: Verdict = { passed: false, reason: 'wrong' };

function scheme(name: string, verdict: Verdict): Verifier {
  return { scheme: name, verify: () => verdict };
}

function later(name: string, verdict: Verdict): Verifier {
  return { scheme: name, verify: async () => verdict };
}

function at(verification: Verification, index: number): string {
  if (!verification.passed) return `refused: ${verification.reason}`;
  const { authenticated, verifiedBy } = verification.coverage(index);
  return `${authenticated} ${verifiedBy}`;
}

async function coverage(...verifiers: Verifier[]): Promise<string[]> {
  const verification = await verifyAll(verifiers)(signedOf(), signal);
  return [0, 1, 2].map((index) => at(verification, index));
}

describe('verifyAll', () => {
  it('covers every event by a scheme that covers all', async () => {
    expect(await coverage(scheme('hmac', ALL))).toEqual(Array(3).fill('true hmac'));
  });

  it('covers only the first event where only it was signed', async () => {
    const seen = await coverage(scheme('segment-signature', FIRST));
    expect(seen).toEqual(['true segment-signature', 'false none', 'false none']);
  });

  it('covers the others through a second scheme', async () => {
    const seen = await coverage(scheme('segment-signature', FIRST), scheme('shared-secret', ALL));
    expect(seen).toEqual([
      'true segment-signature+shared-secret',
      'true shared-secret',
      'true shared-secret',
    ]);
  });

  it('authenticates nothing by none, alone or beside another', async () => {
    expect(await coverage(scheme('none', NOTHING))).toEqual(Array(3).fill('false none'));
    const seen = await coverage(scheme('none', NOTHING), scheme('segment-signature', FIRST));
    expect(seen).toEqual(['true segment-signature', 'false none', 'false none']);
  });

  it('names a scheme once that is configured twice', async () => {
    expect((await coverage(scheme('hmac', ALL), scheme('hmac', ALL)))[0]).toBe('true hmac');
  });

  it.each([
    ['first', [scheme('a', FAILS), scheme('b', ALL)]],
    ['last', [scheme('a', ALL), scheme('b', FAILS)]],
    ['first, later', [later('a', FAILS), scheme('b', ALL)]],
    ['last, later', [later('a', ALL), later('b', FAILS)]],
    ['beside none', [scheme('none', NOTHING), scheme('b', FAILS)]],
  ])('refuses where one scheme of a list does not hold: %s', async (_which, verifiers) => {
    expect(at(await verifyAll(verifiers)(signedOf(), signal), 0)).toBe('refused: wrong');
  });

  it('refuses where no scheme is configured', async () => {
    expect((await verifyAll([])(signedOf(), signal)).passed).toBe(false);
  });

  it('answers at once where no scheme waits', () => {
    const verification = verifyAll([scheme('a', ALL), scheme('b', FIRST)])(signedOf(), signal);
    expect(verification).not.toBeInstanceOf(Promise);
  });

  it('keeps the order of the schemes around one that waits', async () => {
    const seen = await coverage(scheme('a', ALL), later('jwt', ALL), scheme('c', FIRST));
    expect(seen).toEqual(['true a+jwt+c', 'true a+jwt', 'true a+jwt']);
  });

  it('does not ask further schemes after one that failed', async () => {
    const asked: string[] = [];
    const watched: Verifier = {
      scheme: 'jwt',
      verify: async () => {
        asked.push('jwt');
        return ALL;
      },
    };
    await verifyAll([scheme('a', FAILS), watched])(signedOf(), signal);
    expect(asked).toEqual([]);
  });

  it('rejects where a scheme cannot tell', async () => {
    const broken: Verifier = { scheme: 'jwt', verify: () => Promise.reject(new Error('outage')) };
    await expect(verifyAll([broken])(signedOf(), signal)).rejects.toThrow('outage');
  });
});

describe('refusedByHead', () => {
  const early = (name: string, verdict: Verdict): Verifier => ({
    ...scheme(name, verdict),
    headOnly: true,
  });
  const reason = (...verifiers: Verifier[]): string | undefined =>
    rejectedByHead(verifiers)(signedOf(), signal);

  it('is the reason of the first scheme that needs no body', () => {
    expect(reason(early('basic', ALL), early('shared-secret', FAILS))).toBe('wrong');
  });

  it('says nothing where the body, or something that takes time, has a say', () => {
    expect(reason(scheme('hmac', FAILS))).toBeUndefined();
    expect(reason(later('jwt', FAILS))).toBeUndefined();
    expect(reason(early('basic', ALL), scheme('hmac', FAILS))).toBeUndefined();
    expect(reason()).toBeUndefined();
  });
});
