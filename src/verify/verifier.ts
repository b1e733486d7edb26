/** What a scheme may look at: the bytes after `Content-Encoding` was undone and before any text decoding. */
export interface Signed {
  readonly method: string;
  /** The raw query, without `?`. */
  readonly query: string;
  readonly headers: HeaderLines;
  readonly body: Buffer;
}

/**
 * Header lines as they came. RudderStack can send one name twice (a configured and a dynamic header that differ only in
 * case), where Node keeps the first `authorization` and `content-type` and drops the other.
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
  /** `covers`: `all` of the delivery's events, or only the `first` of a batch, or `nothing` (scheme none). */
  | { readonly holds: true; readonly covers: 'all' | 'first' | 'nothing' }
  /** `reason`: one line for the sender's log, without the expected value. */
  | { readonly holds: false; readonly reason: string };

/** One configured scheme. Pure over bytes and headers; only `jwt` with a JWKS URL waits for anything. */
export interface Verifier {
  readonly scheme: string;
  /** Resolves to a verdict; rejects with KEYS_UNAVAILABLE (503) where keys cannot be fetched, never with a 401. */
  verify(signed: Signed, signal: AbortSignal): Verdict | Promise<Verdict>;
}
