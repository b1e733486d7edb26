import type { JsonObject, JsonValue } from '../../core/json.js';
import type { Entry } from '../entry.js';
import { objectAt } from '../paths.js';
import { stableJson } from '../stable-json.js';
import type { Match } from './match.js';

/**
 * Pairs candidates whose data differ: those that have the most in common first, among equals the nearest. Distances are
 * milliseconds.
 */
export function nearestContent(candidates: readonly Entry[], window: number): Match<Entry>[] {
  const lefts = candidates.filter(({ side }) => side === 'left');
  const rights = candidates.filter(({ side }) => side === 'right');
  const pairs = lefts.flatMap((left) =>
    rights.flatMap((right) => {
      const distance = Math.min(
        Math.abs(left.call - right.call),
        Math.abs(left.timestamp - right.timestamp),
      );
      if (distance > window) return [];
      return [{ left, right, distance, apart: differing(left, right) }];
    }),
  );
  pairs.sort(
    (a, b) =>
      a.apart - b.apart ||
      a.distance - b.distance ||
      a.left.order - b.left.order ||
      a.right.order - b.right.order,
  );
  const taken = new Set<Entry>();
  return pairs.flatMap(({ left, right }) => {
    if (taken.has(left) || taken.has(right)) return [];
    taken.add(left);
    taken.add(right);
    return [{ left, right, isRepeat: lefts.length > 1 || rights.length > 1 }];
  });
}

/** Returns the number of members of properties and traits that differ. */
function differing(left: Entry, right: Entry): number {
  let count = 0;
  for (const part of ['properties', 'traits']) {
    const [one, other] = [left, right].map(
      ({ normalized }): JsonObject => objectAt(normalized.event, part) ?? {},
    );
    for (const key of new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})])) {
      if (textOf(one?.[key]) !== textOf(other?.[key])) count += 1;
    }
  }
  return count;
}

function textOf(value: JsonValue | undefined): string {
  return value === undefined || value === null ? '' : stableJson(value);
}
