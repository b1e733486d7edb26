/** A delivery before its body is read. */
export interface SignedHead {
  readonly method: string;
  /** The raw query, without `?`. */
  readonly query: string;
  readonly headers: HeaderLines;
}

/** A delivery as schemes see it: `body` is decompressed (`Content-Encoding`) but not yet decoded as text. */
export interface Signed extends SignedHead {
  readonly body: Buffer;
}

/**
 * Header lines as received. RudderStack can send one name twice (a configured and a dynamic header that differ only in
 * case), and Node's `headers` keeps only the first `authorization` and `content-type`.
 */
export interface HeaderLines {
  /** Every value of a header, in order of arrival; the name in lower case. */
  all(name: string): readonly string[];
  /** The first value, or undefined. */
  first(name: string): string | undefined;
  /** Every name once, in lower case. */
  names(): readonly string[];
}

export type Verdict =
  /** `covers`: `all` events of the delivery, only the `first` event of a batch, or `nothing` (scheme `none`). */
  | { readonly passed: true; readonly covers: 'all' | 'first' | 'nothing' }
  /** `reason`: one line for the sender's log, without the expected value. */
  | { readonly passed: false; readonly reason: string };

/** One configured scheme. It depends only on the bytes and headers; only `jwt` with a JWKS URL does I/O. */
export interface Verifier {
  readonly scheme: string;
  /** The scheme ignores the body and answers synchronously, so it can reject a delivery before the body is read. */
  readonly headOnly?: true;
  /**
   * Resolves to a verdict. Rejects with KEYS_UNAVAILABLE (503) if keys cannot be fetched; it never rejects with a 401.
   */
  verify(signed: Signed, signal: AbortSignal): Verdict | Promise<Verdict>;
}
