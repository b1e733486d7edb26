import { hash } from 'node:crypto';

/**
 * Returns the key of a messageId as the digits of a uuid: half a SHA-256. The hash includes the scope's length, so that
 * no other pair of scope and id has the same key, and the id as JSON text, because UTF-8 has only one replacement for
 * all lone surrogates. Stores of other engines have the same keys, so that moving a store keeps them.
 */
export function keyOf(scope: string, messageId: string): string {
  return hash('sha256', `${scope.length}:${scope}:${JSON.stringify(messageId)}`, 'hex').slice(
    0,
    32,
  );
}
