/**
 * What is remembered of a messageId: when it was accepted (milliseconds since the epoch), and whether authenticated.
 */
export interface Seen {
  readonly at: number;
  readonly authenticated: boolean;
}

/**
 * Returns whether an event is a duplicate, given what is remembered of its messageId. A memory older than `window`
 * milliseconds does not count. One from the future counts as current, because a clock that jumped back must not let
 * duplicates in. An unauthenticated event never makes a later authenticated one a duplicate.
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
