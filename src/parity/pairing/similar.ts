import type { JsonObject, JsonValue } from '../../core/json.js';
import type { Entry } from '../entry.js';
import { objectAt } from '../paths.js';
import { stableJson } from '../stable-json.js';
import type { Match } from './match.js';

/**
 * Pairs candidates whose data differ: those that have the most in common first, among equals the nearest. Distances are
 * milliseconds. `agree` is the share of members that must be equal.
 */
export function nearestContent(
  candidates: readonly Entry[],
  window: number,
  agree = 0,
): Match<Entry>[] {
  const lefts = candidates.filter(({ side }) => side === 'left');
  const rights = candidates.filter(({ side }) => side === 'right');
  const pairs = lefts.flatMap((left) =>
    rights.flatMap((right) => {
      const distance = Math.min(
        Math.abs(left.call - right.call),
        Math.abs(left.timestamp - right.timestamp),
      );
      if (distance > window) return [];
      const { apart, members } = differing(left, right);
      if (members - apart < agree * members) return [];
      return [{ left, right, distance, apart }];
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

/** Returns the candidates that can be of the visitor of an entry, as far as is known: all anonymous, with one browser. */
export function sameVisitor(entry: Entry, candidates: readonly Entry[]): Entry[] {
  if (entry.fingerprint.userId !== undefined) return [];
  const userAgent = entry.event.context['userAgent'];
  return candidates.filter(
    ({ event, fingerprint }) =>
      fingerprint.userId === undefined && event.context['userAgent'] === userAgent,
  );
}

/** Returns the number of members of properties and traits, and how many of them differ. */
function differing(left: Entry, right: Entry): { apart: number; members: number } {
  let apart = 0;
  let members = 0;
  for (const part of ['properties', 'traits']) {
    const [one, other] = [left, right].map(
      ({ normalized }): JsonObject => objectAt(normalized.event, part) ?? {},
    );
    for (const key of new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})])) {
      members += 1;
      if (textOf(one?.[key]) !== textOf(other?.[key])) apart += 1;
    }
  }
  return { apart, members };
}

function textOf(value: JsonValue | undefined): string {
  return value === undefined || value === null ? '' : stableJson(value);
}
