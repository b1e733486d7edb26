import { applyTransform, type Transform } from '../../../src/dispatch/transform/apply.js';
import type { Transformed, TransformRunner } from '../../../src/dispatch/transform/runner.js';

/** Runs a transform in this process, for tests of everything around it. */
export function inProcess(transform: Transform): TransformRunner {
  const one = async (text: string): Promise<Transformed> => {
    try {
      return { kind: 'events', texts: await applyTransform(transform, text) };
    } catch (error) {
      return { kind: 'failed', error: error instanceof Error ? error.message : String(error) };
    }
  };
  return {
    run: (texts) => Promise.all(texts.map(one)),
    close: async () => undefined,
  };
}

/** Returns what a test has scripted for each text, the rest of a run cut off where it says so. */
export function scripted(
  script: (text: string) => Transformed | 'later',
): TransformRunner & { readonly runs: readonly string[][] } {
  const runs: string[][] = [];
  return {
    runs,
    async run(texts) {
      runs.push([...texts]);
      const results: Transformed[] = [];
      for (const text of texts) {
        const result = script(text);
        if (result === 'later') break;
        results.push(result);
        if (result.kind === 'lost') break;
      }
      return results;
    },
    close: async () => undefined,
  };
}
