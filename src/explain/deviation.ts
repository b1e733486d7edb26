/** One way in which what was signed differs from what is checked, in words for whoever set the destination up. */
export interface Deviation {
  /** A short fixed name, for programs. */
  readonly id: string;
  /** Completes the sentence "It would hold if ...". Never contains a secret or a signature. */
  readonly what: string;
  /** What to do about it: a whole sentence. */
  readonly fix: string;
}

/** Bytes that may have been signed, or a key that may have signed them, and how it was come by; `[]` is as it should be. */
export interface Variant {
  readonly bytes: Buffer;
  readonly deviations: readonly Deviation[];
}

/** A variant that differs in one thing. */
export function variant(bytes: Buffer, id: string, what: string, fix: string): Variant {
  return { bytes, deviations: [{ id, what, fix }] };
}

/** The variants without those whose bytes an earlier one has: the first, simplest explanation stays. */
export function distinct(variants: Iterable<Variant>): Variant[] {
  const seen = new Set<string>();
  const kept: Variant[] = [];
  for (const each of variants) {
    const bytes = each.bytes.toString('latin1');
    if (seen.has(bytes)) continue;
    seen.add(bytes);
    kept.push(each);
  }
  return kept;
}
