import { trackText } from './sender.js';

/** Users whose events are sent at once. */
const USERS = 20;

/**
 * Sends `count` events of 20 users to a receiver's open Segment source, in batches of 100, each user's in order and numbered
 * in `properties.number`. Throws where one is not accepted. Resolves to the messageIds of each user.
 */
export async function deliverMany(
  url: string,
  count: number,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ids = new Map<string, string[]>();
  const events = Array.from({ length: count }, (_, number) => {
    const userId = `u-${number % USERS}`;
    const id = `m-${number}`;
    ids.set(userId, [...(ids.get(userId) ?? []), id]);
    return trackText(id, { userId, properties: { number } });
  });
  for (let from = 0; from < count; from += 100) {
    const body = `[${events.slice(from, from + 100).join(',')}]`;
    const response = await fetch(url, { method: 'POST', body });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`answered ${response.status}: ${text}`);
  }
  return ids;
}
