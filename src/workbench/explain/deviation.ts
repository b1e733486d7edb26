/** One difference between the signed bytes and the received bytes, for the operator of the destination. */
export interface Deviation {
  /** A short fixed identifier, for programs. */
  readonly id: string;
  /** Completes the sentence "It becomes valid if ...". Never contains a secret or a signature. */
  readonly what: string;
  /** What to do about it, as a sentence. */
  readonly fix: string;
}

/**
 * Bytes that may have been signed, or a key that may have signed them, and how they were derived; `[]` if nothing
 * differs.
 */
export interface Variant {
  readonly bytes: Buffer;
  readonly deviations: readonly Deviation[];
}

/** Returns a variant with one deviation. */
export function variant(bytes: Buffer, id: string, what: string, fix: string): Variant {
  return { bytes, deviations: [{ id, what, fix }] };
}

/** Returns the variants without those whose bytes an earlier one has, so that the simplest explanation is kept. */
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
