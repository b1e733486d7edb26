/**
 * Returns a 32-bit hash of an order key (FNV-1a over UTF-16 code units), which spreads users over lanes. It is stored
 * with every event, so it must never change: a different hash would put events of one user on two lanes.
 */
export function orderHash(orderKey: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < orderKey.length; at += 1) {
    hash = Math.imul(hash ^ orderKey.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
