import { rmSync } from 'node:fs';
import { SINGLE } from '../load/shapes.js';
import type { Line, Target } from '../report/result.js';
import { startBare } from '../servers/by-hand.js';
import { startReceiver } from '../servers/receiver.js';
import { makeDirectory } from '../servers/server.js';
import { spreadOf } from '../statistics.js';
import { alternate } from './alternate.js';
import { comparison, figuresOf, measurePeak, type PeakSubject, peakText } from './peak.js';
import type { Section } from './section.js';
import { seedPending } from './seed.js';

/** A run has far fewer events than the last number, so each event is of another user. */
const USERS = [
  { name: 'one user', users: 1 },
  { name: '1,000 users', users: 1_000 },
  { name: 'another user for every event', users: 1_000_000 },
];
const SINKS = [1, 5, 20];
/** Stores of 1.4 and 7 GB take minutes to fill. */
const PENDING = { quick: [0, 100_000], full: [0, 1_000_000, 5_000_000] };
const SINK = 'archive';

/** A row, with the bare server that does the same work. */
interface Grown extends PeakSubject {
  readonly bare: string;
  readonly bytesPerEvent?: number;
  readonly targets?: readonly Target[];
}

const number = (value: number): string => value.toLocaleString('en-US');
const filesName = (files: number): string =>
  files === 0 ? 'bare' : `bare, appending to ${files} ${files === 1 ? 'file' : 'files'}`;

const fileSinks = (count: number): object =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `archive${index}`,
      { type: 'file', path: `./${index}.ndjson` },
    ]),
  );

/** What becomes of the rate with many users, sinks and pending events. */
export const growth: Section = {
  name: 'growth',
  async run(context) {
    const { settings, progress } = context;
    const directories: string[] = [];
    try {
      const levels: Grown[] = [];
      for (const pending of settings.full ? PENDING.full : PENDING.quick) {
        const directory = makeDirectory();
        directories.push(directory);
        progress(`filling a store with ${number(pending)} pending events`);
        const bytesPerEvent = await seedPending(directory, SINK, pending, progress);
        levels.push(pendingRow(directory, pending, bytesPerEvent));
      }
      const rows: readonly Grown[] = [
        ...USERS.map(({ name, users }) => ({
          name,
          bare: filesName(0),
          shape: SINGLE,
          users,
          start: () => startReceiver(),
        })),
        ...SINKS.map((sinks) => ({
          name: `${sinks} file ${sinks === 1 ? 'sink' : 'sinks'}`,
          bare: filesName(sinks),
          shape: SINGLE,
          start: () => startReceiver({ sinks: fileSinks(sinks) }),
        })),
        ...levels,
      ];
      const bare = [0, ...SINKS].map((files) => ({
        name: filesName(files),
        shape: SINGLE,
        start: () => startBare({ files }),
      }));
      const peaks = await alternate(
        [...bare, ...rows].map((subject) => ({
          name: subject.name,
          measure: () => measurePeak(subject, settings),
        })),
        context,
        peakText,
      );
      return rows.flatMap((row): Line[] => {
        const samples = peaks.get(row.name);
        if (samples === undefined) return [];
        const { bytesPerEvent = 0, targets } = row;
        const figures = {
          ...figuresOf(samples, ['events', 'cpu', 'resident', 'startup']),
          ...comparison(samples, peaks.get(row.bare)),
          ...(bytesPerEvent > 0 ? { bytesPerEvent: spreadOf([bytesPerEvent]) } : {}),
        };
        return [{ name: row.name, figures, ...(targets === undefined ? {} : { targets }) }];
      });
    } finally {
      for (const directory of directories) rmSync(directory, { recursive: true, force: true });
    }
  },
};

function pendingRow(directory: string, pending: number, bytesPerEvent: number): Grown {
  return {
    name: `${number(pending)} pending events`,
    bare: filesName(0),
    shape: SINGLE,
    bytesPerEvent,
    targets: [{ column: 'startup', atMost: 1_000 }],
    start: () =>
      startReceiver({
        directory,
        outbox: { maxPending: 20_000_000 },
        sinks: { [SINK]: { type: 'file', path: './events.ndjson' } },
      }),
  };
}
