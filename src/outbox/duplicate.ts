/** What is remembered of a messageId: when it was accepted (milliseconds since the epoch), and whether authenticated. */
export interface Seen {
  readonly at: number;
  readonly authenticated: boolean;
}

/**
 * Whether an event is a duplicate of what is remembered of its messageId. A memory older than `window` milliseconds
 * counts no more; one from the future is one of now, because a clock that jumped back must not let duplicates in.
 * Nobody may shut out an authenticated event by sending its messageId first without authentication.
 */
export function isDuplicate(
  seen: Seen | undefined,
  authenticated: boolean,
  now: number,
  window: number,
): boolean {
  if (seen === undefined) return false;
  if (Math.max(0, now - seen.at) >= window) return false;
  return seen.authenticated || !authenticated;
}
