import type { SectionContext } from './section.js';

/** Something that is measured once in every round. */
export interface Subject<Sample> {
  readonly name: string;
  measure(round: number): Promise<Sample>;
}

/**
 * Measures every chosen subject once per round, in turns, so that what else the machine does falls on all. A subject that fails is
 * reported and has no further rounds. Returns the samples by name.
 */
export async function alternate<Sample>(
  subjects: readonly Subject<Sample>[],
  context: SectionContext,
  describe: (sample: Sample) => string,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const { lines = '', rounds } = context.settings;
  const chosen = subjects.filter(({ name }) => name.includes(lines));
  const samples = new Map<string, Sample[]>(chosen.map(({ name }) => [name, []]));
  const failed = new Set<string>();
  for (let round = 1; round <= rounds; round++) {
    for (const { name, measure } of chosen) {
      if (failed.has(name)) continue;
      try {
        const sample = await measure(round);
        samples.get(name)?.push(sample);
        context.progress(`round ${round} of ${rounds}  ${name}: ${describe(sample)}`);
      } catch (error) {
        failed.add(name);
        samples.delete(name);
        context.fail(name, error);
      }
    }
  }
  return samples;
}
