import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { JsonValue } from '../../core/json.js';
import type { Comparison } from '../comparison.js';
import type { DifferenceKind, Side } from '../settings.js';
import { type Counted, lagOfStep } from '../store/tallies.js';
import { interval } from './interval.js';
import type {
  DifferenceRow,
  EventRow,
  FullReport,
  MissingRow,
  SeriesPoint,
  SilentRow,
} from './report.js';

/** Rows of a list. A report is for reading. */
const MOST_ROWS = 100;
/** Points of a chart over time. */
const POINTS = 60;

export interface ReportRequest {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly until: number;
}

/** Reads the report of a comparison from its store. */
export function buildReport(
  database: DatabaseSyncInstance,
  comparison: Comparison,
  { name, since, until }: ReportRequest,
): FullReport {
  const { settings } = comparison;
  const all = (sql: string): readonly Row[] => database.prepare(sql).all(since, until);
  const rows = all(
    'SELECT type, event, what, sum(events) AS events FROM tally WHERE bucket >= ? AND bucket <= ? GROUP BY 1, 2, 3',
  );
  const total = (what: Counted): number =>
    rows.reduce((sum, row) => sum + (row['what'] === what ? Number(row['events']) : 0), 0);
  const [both, onlyLeft, onlyRight] = [total('both'), total('onlyLeft'), total('onlyRight')];
  const different = total('different');
  const verdicts = 2 * both + onlyLeft + onlyRight;
  const agreeing = 2 * (both - different);
  const spans = comparison.alive.spans(since, until);
  const repeatsBySide = { left: total('repeatsLeft'), right: total('repeatsRight') };
  const lags = lagsOf(
    all(
      'SELECT step, sum(pairs) AS pairs FROM lag WHERE bucket >= ? AND bucket <= ? GROUP BY 1 ORDER BY 1',
    ),
  );
  const events = eventsOf(rows);
  return {
    name,
    left: settings.left,
    right: settings.right,
    since: iso(since > 0 ? since : firstBucket(database, until)),
    until: iso(until),
    both,
    onlyLeft,
    onlyRight,
    different,
    match: verdicts === 0 ? null : percent(agreeing / verdicts),
    pending: comparison.open.pendingSince(since) + comparison.arrivals.pendingSince(since),
    late: total('late'),
    repeats: repeatsBySide.left + repeatsBySide.right,
    silent: spans.flatMap((span): SilentRow[] =>
      span.kind === 'silent'
        ? [
            {
              side: span.side,
              from: iso(span.from),
              to: span.to === undefined ? null : iso(span.to),
              events: span.events,
            },
          ]
        : [],
    ),
    lag: { p50: percentile(lags, 0.5), p99: percentile(lags, 0.99) },
    events: events.slice(0, MOST_ROWS),
    differences: differencesOf(database, comparison, since, until),
    interval: percents(interval(agreeing / 2, verdicts / 2)),
    grades: {
      exact: total('exact'),
      strong: total('strong'),
      repeat: total('repeat'),
      weak: total('weak'),
    },
    repeatsBySide,
    rules: all(
      "SELECT cause AS rule, sum(events) AS events FROM difference WHERE bucket >= ? AND bucket <= ? AND kind = 'rule' GROUP BY 1 ORDER BY 2 DESC, 1",
    ).map((row) => ({ rule: String(row['rule']), events: Number(row['events']) })),
    missing: missingOf(events, comparison, since),
    gaps: spans
      .filter(({ kind, side }) => kind === 'gap' && side === 'left')
      .map(({ from, to }) => ({ from: iso(from), to: iso(to ?? until) })),
    lags: { p90: percentile(lags, 0.9), max: percentile(lags, 1) },
    series: seriesOf(database, since, until),
  };
}

function firstBucket(database: DatabaseSyncInstance, until: number): number {
  const first = database.prepare('SELECT min(bucket) AS at FROM tally').get()?.at;
  return typeof first === 'number' ? first : until;
}

type Row = Readonly<Record<string, unknown>>;

function eventsOf(rows: readonly Row[]): EventRow[] {
  const found = new Map<string, { type: string; event: string | null } & Counts>();
  for (const row of rows) {
    const key = `${row['type']} ${row['event']}`;
    const entry = found.get(key) ?? {
      type: JSON.parse(String(row['type'])) as string,
      event: JSON.parse(String(row['event'])) as string | null,
      ...noCounts(),
    };
    found.set(key, entry);
    const what = String(row['what']);
    if (isCount(what)) entry[what] = Number(row['events']);
  }
  return [...found.values()].sort(
    (a, b) => b.both + b.onlyLeft + b.onlyRight - (a.both + a.onlyLeft + a.onlyRight),
  );
}

interface Counts {
  both: number;
  onlyLeft: number;
  onlyRight: number;
  different: number;
}

function noCounts(): Counts {
  return { both: 0, onlyLeft: 0, onlyRight: 0, different: 0 };
}

function isCount(what: string): what is keyof Counts {
  return what === 'both' || what === 'onlyLeft' || what === 'onlyRight' || what === 'different';
}

function differencesOf(
  database: DatabaseSyncInstance,
  { samples }: Comparison,
  since: number,
  until: number,
): DifferenceRow[] {
  const rows = database
    .prepare(
      "SELECT path, kind, sum(events) AS events, cause, max(events) AS most FROM difference WHERE bucket >= ? AND bucket <= ? AND kind <> 'rule' GROUP BY path, kind ORDER BY events DESC, path LIMIT ?",
    )
    .all(since, until, MOST_ROWS);
  return rows.map((row) => {
    const path = JSON.parse(row.path) as string;
    const kind = row.kind as DifferenceKind;
    const [sample] = samples.find(since, path, kind, 1);
    const example = { left: parsed(sample?.left), right: parsed(sample?.right) };
    const cause = row.cause === '' ? {} : { cause: String(row.cause) };
    return { path, kind, events: Number(row.events), ...cause, example };
  });
}

function missingOf(
  events: readonly EventRow[],
  { samples }: Comparison,
  since: number,
): MissingRow[] {
  const rows = events.flatMap((row) =>
    (['left', 'right'] as const).flatMap((side): MissingRow[] => {
      const count = side === 'left' ? row.onlyLeft : row.onlyRight;
      if (count === 0) return [];
      const cause = missingCause(row, side, count);
      return [
        {
          side,
          type: row.type,
          event: row.event,
          events: count,
          ...(cause === undefined ? {} : { cause }),
        },
      ];
    }),
  );
  const found = new Map<string, JsonValue>();
  for (const side of ['left', 'right'] as const) {
    const kind = side === 'left' ? 'onlyLeft' : 'onlyRight';
    for (const sample of samples.find(since, '', kind)) {
      const event = parsed(sample[side]);
      if (event === null || typeof event !== 'object' || Array.isArray(event)) continue;
      const name = event['type'] === 'track' ? event['event'] : event['name'];
      found.set(JSON.stringify([side, event['type'], name ?? null]), event);
    }
  }
  return rows
    .sort((a, b) => b.events - a.events)
    .slice(0, MOST_ROWS)
    .map((row) => {
      const example = found.get(JSON.stringify([row.side, row.type, row.event]));
      return example === undefined ? row : { ...row, example };
    });
}

/** Names why events of one name are on one side only, if all of them are. */
function missingCause({ both, type }: EventRow, side: Side, count: number): string | undefined {
  const other = side === 'left' ? 'right' : 'left';
  if (both > 0 || count < 3) return undefined;
  if (type === 'screen') return 'browser SDKs of RudderStack have no screen call';
  return `the ${other} side never delivers it: the call is missing there, or the vendor blocks it`;
}

function seriesOf(database: DatabaseSyncInstance, since: number, until: number): SeriesPoint[] {
  const [bounds] = database
    .prepare(
      'SELECT min(bucket) AS first, max(bucket) AS last FROM tally WHERE bucket >= ? AND bucket <= ?',
    )
    .all(since, until);
  if (bounds?.first === null || bounds === undefined) return [];
  const [first, last] = [Number(bounds.first), Number(bounds.last)];
  const width = Math.max(1_000, Math.ceil((last - first + 1) / POINTS / 1_000) * 1_000);
  const points = new Map<number, Counts>();
  for (const row of database
    .prepare(
      'SELECT (bucket - ?1) / ?2 AS point, what, sum(events) AS events FROM tally WHERE bucket >= ?1 AND bucket <= ?3 GROUP BY 1, 2',
    )
    .all(first, width, last)) {
    const counts = points.get(Math.floor(row.point)) ?? noCounts();
    points.set(Math.floor(row.point), counts);
    const what = String(row.what);
    if (isCount(what)) counts[what] += Number(row.events);
  }
  return [...points]
    .sort(([a], [b]) => a - b)
    .map(([point, counts]) => ({ at: iso(first + point * width), ...counts }));
}

interface LagRow {
  readonly step: number;
  readonly pairs: number;
}

function lagsOf(rows: readonly Row[]): LagRow[] {
  return rows.map((row) => ({ step: Number(row['step']), pairs: Number(row['pairs']) }));
}

function percentile(lags: readonly LagRow[], share: number): number | null {
  const total = lags.reduce((sum, { pairs }) => sum + pairs, 0);
  let left = Math.ceil(total * share);
  for (const { pairs, step } of lags) {
    left -= pairs;
    if (left <= 0 && total > 0) return lagOfStep(step);
  }
  return null;
}

function percents([low, high]: readonly [number, number]): readonly [number, number] {
  return [percent(low), percent(high)];
}

/** Rounds down to four digits after the point: 100 means that nothing is missing. */
function percent(share: number): number {
  // Doubles: 0.29 * 1e6 is a little below 290,000.
  return Math.floor(share * 1e6 + 1e-6) / 1e4;
}

function parsed(json: string | undefined): JsonValue {
  if (json === undefined) return null;
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    return null;
  }
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
