/**
 * The maximum number of signatures, credentials or write keys checked in one delivery. RudderStack sends a header at
 * most twice, and an SDK sends a key in two places. Without the limit, a body that compresses to 64 bytes could make
 * the receiver hash and compare 800,000 keys.
 */
export const MOST_CANDIDATES = 8;
