import { align } from './align.js';

/** A candidate: its call time and `timestamp`, in milliseconds since the epoch, and its order of arrival. */
export interface Candidate {
  readonly call: number;
  readonly timestamp: number;
  readonly order: number;
}

export interface MatchOptions {
  /** The largest distance of a pair, in milliseconds. */
  readonly window: number;
  /** The median of right minus left call times, in milliseconds; undefined until it is known. */
  readonly offset: number | undefined;
}

export interface Match<T> {
  readonly left: T;
  readonly right: T;
  /** Whether one of them could have been paired with another event of the same key. */
  readonly isRepeat: boolean;
}

/**
 * Pairs candidates of one key. It cuts them into groups at gaps longer than the window, and in each group takes the
 * nearest pair first, after removing the offset of the two vendors. Until the offset is known it aligns both sides in
 * order, which a constant offset does not disturb. Candidates that are left are paired by `timestamp`: of back-dated
 * events only that agrees. The result does not depend on the order of the lists.
 */
export function match<T extends Candidate>(
  lefts: readonly T[],
  rights: readonly T[],
  options: MatchOptions,
): Match<T>[] {
  if (lefts.length === 0 || rights.length === 0) return [];
  const byCall = pass(lefts, rights, options, (each) => each.call);
  if (byCall.length === Math.min(lefts.length, rights.length)) return byCall;
  const taken = new Set(byCall.flatMap(({ left, right }) => [left, right]));
  const rest = (side: readonly T[]): T[] => side.filter((each) => !taken.has(each));
  const known = { window: options.window, offset: options.offset ?? 0 };
  return [...byCall, ...pass(rest(lefts), rest(rights), known, (each) => each.timestamp)];
}

type TimeOf<T> = (candidate: T) => number;

function pass<T extends Candidate>(
  lefts: readonly T[],
  rights: readonly T[],
  { window, offset }: MatchOptions,
  timeOf: TimeOf<T>,
): Match<T>[] {
  const [left] = lefts;
  const [right] = rights;
  if (left === undefined || right === undefined) return [];
  const shift = offset ?? 0;
  if (lefts.length === 1 && rights.length === 1) {
    const distance = Math.abs(timeOf(right) - shift - timeOf(left));
    return distance <= window ? [{ left, right, isRepeat: false }] : [];
  }
  return groups(lefts, rights, window, shift, timeOf).flatMap((group) => {
    const isRepeat = group.lefts.length > 1 || group.rights.length > 1;
    const pairs =
      offset === undefined
        ? align(group.lefts, group.rights, window, timeOf)
        : nearest(group.lefts, group.rights, window, offset, timeOf);
    return pairs.map(([one, other]) => ({ left: one, right: other, isRepeat }));
  });
}

interface Group<T> {
  readonly lefts: T[];
  readonly rights: T[];
}

function groups<T extends Candidate>(
  lefts: readonly T[],
  rights: readonly T[],
  window: number,
  shift: number,
  timeOf: TimeOf<T>,
): Group<T>[] {
  const all = [
    ...lefts.map((each) => ({ each, isLeft: true, at: timeOf(each) })),
    ...rights.map((each) => ({ each, isLeft: false, at: timeOf(each) - shift })),
  ].sort((a, b) => a.at - b.at || a.each.order - b.each.order);
  const found: Group<T>[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, each, isLeft } of all) {
    const current = at - last > window ? undefined : found.at(-1);
    const group = current ?? { lefts: [], rights: [] };
    if (current === undefined) found.push(group);
    (isLeft ? group.lefts : group.rights).push(each);
    last = at;
  }
  return found;
}

function nearest<T extends Candidate>(
  lefts: readonly T[],
  rights: readonly T[],
  window: number,
  offset: number,
  timeOf: TimeOf<T>,
): (readonly [T, T])[] {
  const pairs: { left: T; right: T; distance: number }[] = [];
  for (const left of lefts) {
    for (const right of rights) {
      const distance = Math.abs(timeOf(right) - offset - timeOf(left));
      if (distance <= window) pairs.push({ left, right, distance });
    }
  }
  pairs.sort(
    (a, b) =>
      a.distance - b.distance ||
      timeOf(a.left) - timeOf(b.left) ||
      timeOf(a.right) - timeOf(b.right) ||
      a.left.order - b.left.order ||
      a.right.order - b.right.order,
  );
  const taken = new Set<T>();
  return pairs.flatMap(({ left, right }) => {
    if (taken.has(left) || taken.has(right)) return [];
    taken.add(left);
    taken.add(right);
    return [[left, right] as const];
  });
}
