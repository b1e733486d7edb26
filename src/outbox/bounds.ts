/** The limits of quarantine or dead letters. */
export interface Bounds {
  /** Entries, of all sources or sinks together. */
  readonly max: number;
  /** Milliseconds. */
  readonly keep: number;
}

/**
 * Returns how many entries each name must lose to remove `excess` in total. The names with the most entries lose first,
 * down to a common level, so that one flooded source or dead sink does not push out the entries of others.
 */
export function sharesOf(
  counts: ReadonlyMap<string, number>,
  excess: number,
): ReadonlyMap<string, number> {
  const names = [...counts].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
  const shares = new Map<string, number>();
  let level = names[0]?.[1] ?? 0;
  let left = Math.min(
    excess,
    names.reduce((sum, [, count]) => sum + count, 0),
  );
  for (let above = 1; left > 0; above += 1) {
    const next = names[above]?.[1] ?? 0;
    const step = Math.min(level - next, Math.floor(left / above));
    for (const [name] of names.slice(0, above)) shares.set(name, (shares.get(name) ?? 0) + step);
    left -= step * above;
    level -= step;
    // Fewer entries are left to remove than there are names on this level.
    if (level > next) {
      for (const [name] of names.slice(0, left)) shares.set(name, (shares.get(name) ?? 0) + 1);
      left = 0;
    }
  }
  return shares;
}
