import type { Machine } from '../machine/describe.js';
import type { Spread } from '../statistics.js';

/** What a column shows. Times are in milliseconds unless the name says otherwise. */
export interface ColumnMeaning {
  readonly title: string;
  readonly digits: number;
}

export const COLUMNS = {
  events: { title: 'events/s', digits: 0 },
  bareEvents: { title: 'bare events/s', digits: 0 },
  ratio: { title: 'ratio', digits: 2 },
  cpu: { title: 'CPU µs/event', digits: 1 },
  loop: { title: 'event loop µs', digits: 1 },
  store: { title: 'store thread µs', digits: 1 },
  other: { title: 'others µs', digits: 1 },
  postgres: { title: 'PostgreSQL µs', digits: 1 },
  bareCpu: { title: 'bare CPU µs/event', digits: 1 },
  cpuRatio: { title: 'CPU ratio', digits: 2 },
  halfLoad: { title: 'half load/s', digits: 0 },
  p50: { title: 'p50 ms', digits: 1 },
  p99: { title: 'p99 ms', digits: 1 },
  p999: { title: 'p99.9 ms', digits: 1 },
  accepted: { title: 'accepted/s', digits: 0 },
  delivered: { title: 'delivered/s', digits: 0 },
  share: { title: 'delivered/accepted', digits: 2 },
  resident: { title: 'resident MB', digits: 0 },
  startup: { title: 'startup ms', digits: 0 },
  bytesPerEvent: { title: 'bytes on disk/event', digits: 0 },
  late: { title: 'ms past the budget', digits: 0 },
  timer: { title: 'a timer here, ms', digits: 0 },
} as const satisfies Readonly<Record<string, ColumnMeaning>>;

export type Column = keyof typeof COLUMNS;

/** What a median must reach. */
export interface Target {
  readonly column: Column;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One row of the report. */
export interface Line {
  readonly name: string;
  readonly figures: Readonly<Partial<Record<Column, Spread>>>;
  readonly targets?: readonly Target[];
}

/** What one section measured. */
export interface SectionResult {
  readonly name: string;
  readonly lines: readonly Line[];
  /** What a reader must know about these lines, a sentence each. */
  readonly notes: readonly string[];
  /** What could not be measured, and why. */
  readonly errors: readonly string[];
  readonly seconds: number;
}

/** How much was measured. */
export interface Settings {
  readonly rounds: number;
  /** Requests of one run of one line; the warm-up is a third of it. */
  readonly requests: number;
  /** Events of the memory section. */
  readonly events: number;
  readonly full: boolean;
  /** Only lines whose names contain this are measured; absent, all. */
  readonly lines?: string;
}

export interface Result {
  readonly machine: Machine;
  readonly settings: Settings;
  readonly sections: readonly SectionResult[];
}

/** Whether a line meets a target; undefined if it was not measured. */
export function isMet(line: Line, { atLeast, atMost, column }: Target): boolean | undefined {
  const median = line.figures[column]?.median;
  if (median === undefined || Number.isNaN(median)) return undefined;
  return (atLeast === undefined || median >= atLeast) && (atMost === undefined || median <= atMost);
}

/** The columns that any of the lines has, in the order of the report. */
export function columnsOf(lines: readonly Line[]): readonly Column[] {
  return (Object.keys(COLUMNS) as Column[]).filter((column) =>
    lines.some(({ figures }) => figures[column] !== undefined),
  );
}
