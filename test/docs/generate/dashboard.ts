/** Where the dashboard is, below the repository. */
export const DASHBOARD = 'deploy/grafana/dashboard.json';

interface Query {
  readonly expr: string;
  /** The name of the curve, with labels such as `{{sink}}`. */
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly unit: 'short' | 's' | 'bytes' | 'reqps' | 'percentunit';
  readonly queries: readonly Query[];
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const rate = (metric: string, by: string): string =>
  `sum by (${by}) (rate(trackbridge_${metric}[$__rate_interval]))`;
const quantile = (share: number, metric: string, by: string): string =>
  `histogram_quantile(${share}, sum by (${by}, le) (rate(trackbridge_${metric}_bucket[$__rate_interval])))`;
const one = (title: string, unit: Panel['unit'], expr: string, legend: string): Panel => ({
  title,
  unit,
  queries: [{ expr, legend }],
});

const ROWS: readonly Row[] = [
  {
    title: 'Deliveries',
    panels: [
      one(
        'Answers',
        'reqps',
        rate('deliveries_total', 'source, outcome'),
        '{{source}} {{outcome}}',
      ),
      one('Events accepted', 'short', rate('events_total', 'source'), '{{source}}'),
      {
        title: 'Time to answer',
        unit: 's',
        queries: [0.5, 0.99].map((share) => ({
          expr: quantile(share, 'answer_seconds', 'source'),
          legend: `{{source}} p${share * 100}`,
        })),
      },
      {
        title: 'Duplicates, quarantined and looped',
        unit: 'short',
        queries: ['duplicates', 'quarantined', 'loops'].map((name) => ({
          expr: rate(`${name}_total`, 'source'),
          legend: `{{source}} ${name}`,
        })),
      },
    ],
  },
  {
    title: 'Sinks',
    panels: [
      one('Pending events', 'short', 'trackbridge_sink_pending_events', '{{sink}}'),
      one('Age of the oldest', 's', 'trackbridge_sink_oldest_pending_seconds', '{{sink}}'),
      one(
        'Events attempted',
        'short',
        rate('sink_events_attempted_total', 'sink, outcome'),
        '{{sink}} {{outcome}}',
      ),
      one(
        'Time of an attempt, p99',
        's',
        quantile(0.99, 'sink_attempt_seconds', 'sink'),
        '{{sink}}',
      ),
      one('Backlog, of its limit', 'percentunit', 'trackbridge_sink_pending_ratio', '{{sink}}'),
      one('Circuit (1 half-open, 2 open)', 'short', 'trackbridge_sink_circuit', '{{sink}}'),
      one('Dead letters', 'short', 'trackbridge_sink_dead_letters', '{{sink}}'),
      {
        title: 'Filtered and discarded',
        unit: 'short',
        queries: ['filtered', 'discarded'].map((name) => ({
          expr: rate(`sink_events_${name}_total`, 'sink'),
          legend: `{{sink}} ${name}`,
        })),
      },
    ],
  },
  {
    title: 'Parity',
    panels: [
      one(
        'Matching events, last hour',
        'percentunit',
        'trackbridge_parity_match_ratio',
        '{{comparison}}',
      ),
      one(
        'Verdicts, last hour',
        'short',
        'sum by (comparison, verdict) (trackbridge_parity_events)',
        '{{comparison}} {{verdict}}',
      ),
    ],
  },
  {
    title: 'Receiver',
    panels: [
      {
        title: 'Time to be durable',
        unit: 's',
        queries: [0.5, 0.99].map((share) => ({
          expr: `histogram_quantile(${share}, sum by (le) (rate(trackbridge_append_seconds_bucket[$__rate_interval])))`,
          legend: `p${share * 100}`,
        })),
      },
      one('Size of the outbox', 'bytes', 'trackbridge_outbox_bytes', '{{instance}}'),
      one('Rejected because of overload', 'reqps', rate('shed_total', 'reason'), '{{reason}}'),
      one('Delay of the event loop', 's', 'trackbridge_event_loop_delay_seconds', '{{instance}}'),
      one('Delay by open transactions', 's', 'trackbridge_reading_delay_seconds', '{{instance}}'),
      one(
        'Stale settlements',
        'reqps',
        'rate(trackbridge_stale_settlements_total[$__rate_interval])',
        '{{instance}}',
      ),
      one('Resident memory', 'bytes', 'process_resident_memory_bytes', '{{instance}}'),
      one(
        'CPU',
        'percentunit',
        'rate(process_cpu_seconds_total[$__rate_interval])',
        '{{instance}}',
      ),
      one('Deliveries in progress', 'short', 'trackbridge_deliveries_in_flight', '{{instance}}'),
      one('Quarantine', 'short', 'trackbridge_quarantine_entries', '{{instance}}'),
    ],
  },
];

const WIDTH = 6;
const HEIGHT = 7;

/** The dashboard for Grafana 10 or newer, as text. Its data source is chosen when it is imported. */
export function dashboard(): string {
  let y = 0;
  let id = 0;
  const panels = ROWS.flatMap(({ panels: inRow, title }) => {
    const heading = { id: ++id, type: 'row', title, collapsed: false, gridPos: at(0, y++, 24, 1) };
    const drawn = inRow.map((panel, index) => {
      const [column, line] = [index % 4, Math.floor(index / 4)];
      return draw(panel, ++id, at(column * WIDTH, y + line * HEIGHT, WIDTH, HEIGHT));
    });
    y += Math.ceil(inRow.length / 4) * HEIGHT;
    return [heading, ...drawn];
  });
  const content = {
    uid: 'trackbridge',
    title: 'Trackbridge',
    tags: ['trackbridge'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' }],
    },
    panels,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const DATA_SOURCE = { type: 'prometheus', uid: '$datasource' } as const;

function draw({ queries, title, unit }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: 'timeseries',
    title,
    datasource: DATA_SOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: {
      legend: { displayMode: 'list', placement: 'bottom' },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATA_SOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}

function at(x: number, y: number, w: number, h: number): object {
  return { x, y, w, h };
}
