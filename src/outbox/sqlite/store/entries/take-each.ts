/** Removes rows one by one. `take` returns the name that a row counted for. Returns the number of rows of each name. */
export function takeEach(
  rows: readonly { readonly id: number }[],
  take: (id: number) => string | undefined,
): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  for (const { id } of rows) {
    const name = take(id);
    if (name !== undefined) taken.set(name, (taken.get(name) ?? 0) + 1);
  }
  return taken;
}
