import { SHAPES, type Shape } from '../load/shapes.js';
import type { Line, Target } from '../report/result.js';
import { startBare } from '../servers/by-hand.js';
import { startReceiver } from '../servers/receiver.js';
import { alternate } from './alternate.js';
import { comparison, figuresOf, measurePeak, peakText } from './peak.js';
import type { Section } from './section.js';

/** Every shape of delivery on one core, beside the bare server that does the same with it. */
export const shapes: Section = {
  name: 'shapes',
  async run(context) {
    const bareName = (shape: Shape): string => `bare, ${shape.name}`;
    const subjects = SHAPES.flatMap((shape) => {
      const signing = { unsigned: shape.unsigned === true };
      const ours = { name: shape.name, shape, start: () => startReceiver(signing) };
      const bare = { name: bareName(shape), shape, start: () => startBare(signing) };
      return [ours, bare].map((subject) => ({
        name: subject.name,
        measure: () => measurePeak(subject, context.settings),
      }));
    });
    const peaks = await alternate(subjects, context, peakText);
    return SHAPES.flatMap((shape): Line[] => {
      const samples = peaks.get(shape.name);
      if (samples === undefined) return [];
      const figures = {
        ...figuresOf(samples, ['events', 'cpu', 'loop', 'store', 'other']),
        ...comparison(samples, peaks.get(bareName(shape))),
      };
      return [{ name: shape.name, figures, ...targetsOf(shape) }];
    });
  },
};

function targetsOf({ batch, gzip, parameters }: Shape): { readonly targets?: readonly Target[] } {
  if (gzip === true || parameters !== undefined) {
    return { targets: [{ column: 'ratio', atLeast: 0.6 }] };
  }
  return batch === 100 ? { targets: [{ column: 'ratio', atLeast: 0.75 }] } : {};
}
