import type { Signed, Verdict, Verifier } from './verifier.js';

/** How far one event of a delivery can be trusted, as its receipt says it. */
export interface Coverage {
  readonly authenticated: boolean;
  /** The schemes that cover the event, joined by `+` in configured order; `none` where nothing does. */
  readonly verifiedBy: string;
}

export type Verification =
  | { readonly holds: false; readonly reason: string }
  /** `coverage(index)`: for the event at that place of the delivery, 0 being the first or only one. */
  | { readonly holds: true; coverage(index: number): Coverage };

type Held = Extract<Verdict, { holds: true }>['covers'];

/** What `verifyAll` asks; at once where every scheme answers so: a delivery that waits for nothing costs no promise. */
export type VerifyAll = (
  signed: Signed,
  signal: AbortSignal,
) => Verification | Promise<Verification>;

/**
 * Asks every scheme of a source; all must hold, and the first that does not gives the reason. Each event is then covered
 * by what covers it alone: a batch signed over its first element is authentic beyond it only through a second scheme.
 * An empty list never holds.
 *
 * What it returns rejects with KEYS_UNAVAILABLE where a scheme cannot get its keys, or `signal` aborts while it waits for
 * them.
 */
export function verifyAll(verifiers: readonly Verifier[]): VerifyAll {
  if (verifiers.length === 0) {
    return () => ({ holds: false, reason: 'no verification is configured' });
  }
  // There are few ways for all schemes to hold, so what they say together is worked out once for each.
  const outcomes = new Map<string, Verification>();
  const outcomeOf = (covers: readonly Held[]): Verification => {
    const key = covers.join();
    const known = outcomes.get(key);
    if (known !== undefined) return known;
    const outcome = verified(verifiers, covers);
    outcomes.set(key, outcome);
    return outcome;
  };

  /** Goes on after the schemes that have held, whose coverage `held` lists. */
  const verifyFrom: (
    held: readonly Held[],
    signed: Signed,
    signal: AbortSignal,
  ) => Verification | Promise<Verification> = (held, signed, signal) => {
    const covers = [...held];
    for (const verifier of verifiers.slice(held.length)) {
      const verdict = verifier.verify(signed, signal);
      if (verdict instanceof Promise) {
        return verdict.then((late) =>
          late.holds ? verifyFrom([...covers, late.covers], signed, signal) : late,
        );
      }
      if (!verdict.holds) return verdict;
      covers.push(verdict.covers);
    }
    return outcomeOf(covers);
  };
  return (signed, signal) => verifyFrom([], signed, signal);
}

function verified(verifiers: readonly Verifier[], covers: readonly Held[]): Verification {
  const coveredBy = (parts: readonly Held[]): Coverage => {
    const names = verifiers.flatMap(({ scheme }, at) => {
      const part = covers[at];
      return part !== undefined && parts.includes(part) ? [scheme] : [];
    });
    // Two of a scheme, each with its own header, are one kind of evidence.
    const verifiedBy = [...new Set(names)].join('+');
    return { authenticated: names.length > 0, verifiedBy: verifiedBy || 'none' };
  };
  const first = coveredBy(['all', 'first']);
  const others = covers.includes('first') ? coveredBy(['all']) : first;
  return { holds: true, coverage: (index) => (index === 0 ? first : others) };
}
