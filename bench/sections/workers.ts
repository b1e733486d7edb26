import { SINGLE } from '../load/shapes.js';
import { CORES, withLoadEverywhere } from '../machine/cores.js';
import type { Line } from '../report/result.js';
import { startReceiver } from '../servers/receiver.js';
import { median, ratioOf } from '../statistics.js';
import { alternate } from './alternate.js';
import { figuresOf, measurePeak, type Peak, peakText } from './peak.js';
import type { Section } from './section.js';

const WORKERS = [1, 2];
/** The size of machine that the note projects to. */
const PROJECTED = 8;

const nameOf = (workers: number): string => (workers === 1 ? '1 process' : `${workers} workers`);

/** The same deliveries to one process and to several workers, on every core. The load shares the cores with them. */
export const workers: Section = {
  name: 'workers',
  async run(context) {
    const subjects = WORKERS.map((count) => ({
      name: nameOf(count),
      shape: SINGLE,
      start: () => startReceiver({ cores: CORES.all, server: { workers: count } }),
    }));
    const peaks = await withLoadEverywhere(() =>
      alternate(
        subjects.map((subject) => ({
          name: subject.name,
          measure: () => measurePeak(subject, context.settings),
        })),
        context,
        peakText,
      ),
    );
    const one = peaks.get(nameOf(1)) ?? [];
    return WORKERS.flatMap((count): Line[] => {
      const name = nameOf(count);
      const samples = peaks.get(name) ?? [];
      if (samples.length === 0) return [];
      const figures = figuresOf(samples, ['events', 'cpu', 'loop', 'store', 'other', 'resident']);
      if (count === 1 || one.length === 0) return [{ name, figures }];
      context.note(projection(samples));
      const ratio = ratioOf(
        samples.map(({ events }) => events),
        one.map(({ events }) => events),
      );
      return [
        { name, figures: { ...figures, ratio }, targets: [{ column: 'ratio', atLeast: 1.6 }] },
      ];
    });
  },
};

/** What the measured CPU time allows on more cores: the process that owns the store has one event loop and one store thread. */
function projection(samples: readonly Peak[]): string {
  const [cpu, loop, store] = (['cpu', 'loop', 'store'] as const).map((column) =>
    median(samples.map((sample) => sample[column])),
  ) as [number, number, number];
  const writer = 1_000_000 / Math.max(loop, store);
  const cores = (PROJECTED * 1_000_000) / cpu;
  const text = (rate: number): string => (Math.round(rate / 100) * 100).toLocaleString('en-US');
  return (
    `The process that owns the store uses ${loop.toFixed(0)} µs of its event loop and ${store.toFixed(0)} µs of its store ` +
    `thread per event, so it is full at ${text(writer)} events/s. By CPU time alone, ${PROJECTED} cores would accept ` +
    `${text(Math.min(writer, cores))} events/s; this is projected, not measured.`
  );
}
