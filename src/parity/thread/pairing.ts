import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { Comparison } from '../comparison.js';
import { buildReport, type ReportRequest } from '../report/build.js';
import type { FullReport } from '../report/report.js';
import { openDatabase } from '../store/database.js';
import type { ArrivalMessage, GapMessage, ParityState, ThreadComparison } from './messages.js';

/** The time that the metrics cover, in milliseconds. */
const RECENT = 3_600_000;

interface Running {
  readonly name: string;
  readonly database: DatabaseSyncInstance;
  readonly comparison: Comparison;
}

/** The comparisons of a thread. Times are milliseconds since the epoch. */
export class Pairing {
  readonly #running: readonly Running[];

  /** `bootId` identifies the start of the machine, 0 if it is unknown. Throws START_FAILED. */
  constructor(comparisons: readonly ThreadComparison[], now: number, bootId: number) {
    this.#running = comparisons.map(({ name, path, settings }) => {
      const database = openDatabase(path);
      const comparison = new Comparison(database, settings, now);
      comparison.resume(now, bootId);
      return { name, database, comparison };
    });
  }

  /** Records arrivals. When it returns, they survive the end of the process. */
  append(events: readonly ArrivalMessage[]): void {
    for (const [index, { comparison }] of this.#running.entries()) {
      const own = events.filter(([of]) => of === index);
      if (own.length === 0) continue;
      comparison.arrivals.append(own.map(([, side, at, json]) => ({ side, at, json })));
    }
  }

  gap({ from, to }: GapMessage): void {
    for (const { comparison } of this.#running) comparison.gap(from, to);
  }

  /** Works for one step of each comparison. Returns whether there is more to do. */
  step(now: number): boolean {
    let hasMore = false;
    for (const { comparison } of this.#running) hasMore = comparison.step(now) || hasMore;
    return hasMore;
  }

  /** Returns null for an unknown name. */
  report(request: ReportRequest): FullReport | null {
    const found = this.#running.find(({ name }) => name === request.name);
    return found === undefined ? null : buildReport(found.database, found.comparison, request);
  }

  states(now: number): ParityState[] {
    return this.#running.map(({ comparison, database, name }) => {
      const report = buildReport(database, comparison, { name, since: now - RECENT, until: now });
      const { both, different, late, match, onlyLeft, onlyRight, pending, repeats } = report;
      return {
        name,
        report: { both, different, late, match, onlyLeft, onlyRight, pending, repeats },
        silent: {
          left: comparison.alive.silence('left', now) !== undefined,
          right: comparison.alive.silence('right', now) !== undefined,
        },
        backlog: comparison.arrivals.pendingSince(0),
      };
    });
  }

  close(): void {
    for (const { database } of this.#running) database.close();
  }
}
