import type { Gauge } from 'prom-client';

/** What a comparison found in the last hour. */
export interface ComparisonReading {
  readonly name: string;
  readonly report: Readonly<Record<'both' | 'onlyLeft' | 'onlyRight' | 'different', number>> &
    Readonly<Record<'late' | 'repeats' | 'pending', number>> & {
      /** Percent; null without any verdict. */
      readonly match: number | null;
    };
  readonly silent: Readonly<Record<'left' | 'right', boolean>>;
  /** Events. */
  readonly backlog: number;
}

const PARITY_VERDICTS = {
  both: 'both',
  different: 'different',
  only_left: 'onlyLeft',
  only_right: 'onlyRight',
  late: 'late',
  repeat: 'repeats',
} as const;

/** Creates the gauges of comparisons. Returns a function that sets them; comparisons that are gone have none. */
export function comparisonGauges(
  gauge: (name: string, help: string, labelNames: string[]) => Gauge,
): (readings: readonly ComparisonReading[]) => void {
  const match = gauge(
    'parity_match_ratio',
    'Share of the events of the last hour that belong to a pair without a difference.',
    ['comparison'],
  );
  const events = gauge(
    'parity_events',
    'Verdicts of the last hour. `both` and `different` count pairs.',
    ['comparison', 'verdict'],
  );
  const pending = gauge('parity_pending', 'Events of the last hour that have not settled.', [
    'comparison',
  ]);
  const backlog = gauge('parity_backlog', 'Recorded events that the comparison has not read yet.', [
    'comparison',
  ]);
  const silent = gauge(
    'parity_silent',
    '1 while a side of a comparison delivers nothing although the other one does.',
    ['comparison', 'side'],
  );
  return (readings) => {
    for (const each of [match, events, pending, backlog, silent]) each.reset();
    for (const { backlog: waiting, name, report, silent: isSilent } of readings) {
      const comparison = { comparison: name };
      if (report.match !== null) match.set(comparison, report.match / 100);
      pending.set(comparison, report.pending);
      backlog.set(comparison, waiting);
      for (const [verdict, member] of Object.entries(PARITY_VERDICTS)) {
        events.set({ ...comparison, verdict }, report[member]);
      }
      for (const side of ['left', 'right'] as const) {
        silent.set({ ...comparison, side }, isSilent[side] ? 1 : 0);
      }
    }
  };
}
