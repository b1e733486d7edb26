import { createHmac } from 'node:crypto';
import { headerLines } from '../../src/verify/header-lines.js';
import type { Signed, Verdict, Verifier } from '../../src/verify/verifier.js';

export interface SignedParts {
  readonly method?: string;
  readonly query?: string;
  /** Names and values in turn, as in Node's `rawHeaders`. */
  readonly rawHeaders?: readonly string[];
  readonly body?: string | Buffer;
}

/** A delivery for verifiers: POST without headers and body but for what is given. */
export function signedOf(parts: SignedParts = {}): Signed {
  return {
    method: parts.method ?? 'POST',
    query: parts.query ?? '',
    headers: headerLines(parts.rawHeaders ?? []),
    body: Buffer.from(parts.body ?? ''),
  };
}

/** The verdict of a verifier that must not wait for anything. */
export function verdictOf(verifier: Verifier, parts: SignedParts): Verdict {
  const verdict = verifier.verify(signedOf(parts), new AbortController().signal);
  if (verdict instanceof Promise) throw new Error(`${verifier.scheme} answered later`);
  return verdict;
}

/** The reason of a verdict that does not hold. */
export function reasonOf(verdict: Verdict): string {
  if (verdict.passed) throw new Error('the verdict passed');
  return verdict.reason;
}

export function sign(
  secret: string,
  bytes: string | Buffer,
  algorithm = 'sha1',
  encoding: 'hex' | 'base64' = 'hex',
): string {
  return createHmac(algorithm, secret).update(bytes).digest(encoding);
}

export function basicHeader(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword).toString('base64')}`;
}
