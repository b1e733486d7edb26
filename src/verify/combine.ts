import type { Signed, SignedHead, Verdict, Verifier } from './verifier.js';

/** Whether one event of a delivery is authenticated, as its receipt states. */
export interface Coverage {
  readonly authenticated: boolean;
  /** The schemes that cover the event, joined by `+` in configured order; `none` if no scheme does. */
  readonly verifiedBy: string;
}

export type Verification =
  | { readonly passed: false; readonly reason: string }
  /** `coverage(index)`: of the event at that index of the delivery, 0 for the first or only event. */
  | { readonly passed: true; coverage(index: number): Coverage };

type Held = Extract<Verdict, { passed: true }>['covers'];

/**
 * The combined check of all schemes. It answers synchronously if every scheme does, to spare most deliveries a promise.
 */
export type VerifyAll = (
  signed: Signed,
  signal: AbortSignal,
) => Verification | Promise<Verification>;

/**
 * Checks every scheme of a source. All must pass; the first that fails gives the reason. Each event counts only the
 * schemes that cover it: in a batch signed over its first element, the other events are authenticated only by a second
 * scheme. An empty list always fails.
 *
 * The returned function rejects with KEYS_UNAVAILABLE if a scheme cannot get its keys, or if `signal` aborts while the
 * scheme waits for them.
 */
export function verifyAll(verifiers: readonly Verifier[]): VerifyAll {
  if (verifiers.length === 0) {
    return () => ({ passed: false, reason: 'no verification is configured' });
  }
  // All schemes can pass in only a few combinations, so the result of each combination is computed once.
  const outcomes = new Map<string, Verification>();
  const outcomeOf = (covers: readonly Held[]): Verification => {
    const key = covers.length === 1 ? (covers[0] ?? '') : covers.join();
    const known = outcomes.get(key);
    if (known !== undefined) return known;
    const outcome = verified(verifiers, covers);
    outcomes.set(key, outcome);
    return outcome;
  };

  /** Continues after the schemes that have passed, whose coverage `covers` lists. */
  const verifyFrom: (
    covers: Held[],
    signed: Signed,
    signal: AbortSignal,
  ) => Verification | Promise<Verification> = (covers, signed, signal) => {
    for (let next = verifiers[covers.length]; next; next = verifiers[covers.length]) {
      const verdict = next.verify(signed, signal);
      if (verdict instanceof Promise) {
        return verdict.then((late) =>
          late.passed ? verifyFrom([...covers, late.covers], signed, signal) : late,
        );
      }
      if (!verdict.passed) return verdict;
      covers.push(verdict.covers);
    }
    return outcomeOf(covers);
  };
  return (signed, signal) => verifyFrom([], signed, signal);
}

const NO_BODY = Buffer.alloc(0);

/**
 * Returns why the head of a delivery is enough to reject it, so that no unauthenticated body is read or inflated.
 * Returns undefined if the head passes or the answer depends on the body.
 */
export function rejectedByHead(
  verifiers: readonly Verifier[],
): (head: SignedHead, signal: AbortSignal) => string | undefined {
  const early = verifiers.filter(({ headOnly }) => headOnly === true);
  return ({ method, query, headers }, signal) => {
    for (const verifier of early) {
      const verdict = verifier.verify({ method, query, headers, body: NO_BODY }, signal);
      if (!(verdict instanceof Promise) && !verdict.passed) return verdict.reason;
    }
    return undefined;
  };
}

function verified(verifiers: readonly Verifier[], covers: readonly Held[]): Verification {
  const coveredBy = (parts: readonly Held[]): Coverage => {
    const names = verifiers.flatMap(({ scheme }, at) => {
      const part = covers[at];
      return part !== undefined && parts.includes(part) ? [scheme] : [];
    });
    // A scheme configured twice, each with its own header, is named once.
    const verifiedBy = [...new Set(names)].join('+');
    return { authenticated: names.length > 0, verifiedBy: verifiedBy || 'none' };
  };
  const first = coveredBy(['all', 'first']);
  const others = covers.includes('first') ? coveredBy(['all']) : first;
  return { passed: true, coverage: (index) => (index === 0 ? first : others) };
}
