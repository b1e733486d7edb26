import type { Known } from '../data/inspector.js';
import type { LiveStats, SinkTotals, SourceTotals } from '../data/wire.js';
import type { Badge } from '../parts/badges.js';
import { marked, shown } from '../parts/elements.js';
import { countOf, durationOf, numberOf } from '../parts/format.js';
import { type Child, h as component, html, useMemo, type VNode } from '../preact.js';
import { hashOf } from '../route.js';
import { Chart, type Series } from './chart.js';
import type { Point } from './chart-scale.js';

/** Shows the rate of deliveries, response times, backlogs, and the state of sources and sinks. */
export function OverviewView({ known }: { readonly known: Known }): VNode {
  const { history, totals } = known;
  const latest = history.at(-1);
  const until = latest === undefined ? 0 : Date.parse(latest.at);
  const charts = useMemo(() => seriesOf(history), [history]);
  const sinks = sinksNow(latest, totals?.sinks ?? []);
  return html`<div class="overview">
    <h2 class="unseen">Overview</h2>
    <dl class="tiles">
      ${tile('Deliveries per second', latest === undefined ? '–' : numberOf(latest.received))}
      ${tile('Latency, median', medianOf(latest?.p50))}
      ${tile('Latency, p99', medianOf(latest?.p99))}
      ${tile('Pending events', numberOf(sinks.reduce((sum, { pending }) => sum + pending, 0)))}
      ${tile('Events accepted', totals === undefined ? '–' : numberOf(totals.accepted))}
      ${tile('Duplicates', totals === undefined ? '–' : numberOf(totals.duplicates))}
    </dl>
    <div class="charts">
      ${component(Chart, { title: 'Deliveries per second', series: charts.throughput, until, format: numberOf, least: 5 })}
      ${component(Chart, { title: 'Latency', series: charts.latency, until, format: durationOf, least: 5 })}
      ${component(Chart, { title: 'Pending events', series: charts.backlog, until, format: numberOf, least: 10 })}
    </div>
    ${history.length < 2 ? html`<p class="hint">The charts begin when this page is opened.</p>` : null}
    ${sinkTable(sinks)} ${sourceTable(totals?.sources ?? [])}
  </div>`;
}

function tile(name: string, value: string): VNode {
  return html`<div class="tile"><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** The receiver reports 0 for a second without deliveries. */
function medianOf(ms: number | undefined): string {
  return ms === undefined || ms === 0 ? '–' : durationOf(ms);
}

/** The number of sinks in the chart: those with the largest backlogs. */
const DRAWN = 4;

function seriesOf(
  history: readonly LiveStats[],
): Record<'throughput' | 'latency' | 'backlog', Series[]> {
  const points = (value: (stats: LiveStats) => number | undefined): Point[] =>
    history.flatMap((stats) => {
      const measured = value(stats);
      return measured === undefined ? [] : [{ at: Date.parse(stats.at), value: measured }];
    });
  const pendingOf = (stats: LiveStats, name: string): number | undefined =>
    stats.sinks.find((sink) => sink.name === name)?.pending;
  const largest = (name: string): number =>
    Math.max(0, ...history.map((stats) => pendingOf(stats, name) ?? 0));
  const names = (history.at(-1)?.sinks ?? [])
    .map(({ name }) => ({ name, size: largest(name) }))
    .sort((one, other) => other.size - one.size)
    .slice(0, DRAWN);
  return {
    throughput: [
      { name: 'accepted', points: points((stats) => stats.accepted) },
      { name: 'refused', points: points((stats) => stats.refused) },
    ],
    latency: [
      { name: 'median', points: points(({ received, p50 }) => (received > 0 ? p50 : undefined)) },
      { name: 'p99', points: points(({ received, p99 }) => (received > 0 ? p99 : undefined)) },
    ],
    backlog: names.map(({ name }) => ({ name, points: points((stats) => pendingOf(stats, name)) })),
  };
}

/** Prefers the stream's numbers, which are newer than the totals. */
function sinksNow(
  latest: LiveStats | undefined,
  totals: readonly SinkTotals[],
): readonly SinkTotals[] {
  if (latest === undefined) return totals;
  return latest.sinks.map((sink) => ({
    ...totals.find(({ name }) => name === sink.name),
    ...sink,
  }));
}

const STATES: Readonly<Record<string, Badge['tone']>> = {
  running: 'good',
  'backing-off': 'warn',
  opening: 'info',
  paused: 'warn',
  stopped: 'quiet',
};
const CIRCUITS: Readonly<Record<string, Badge['tone']>> = {
  closed: 'good',
  'half-open': 'warn',
  open: 'bad',
};

function sinkTable(sinks: readonly SinkTotals[]): VNode {
  return html`<section class="card" aria-labelledby="sinks-title">
    <h3 id="sinks-title">Sinks</h3>
    ${
      sinks.length === 0
        ? html`<p class="hint">This receiver has no sinks. Events are stored and not delivered.</p>`
        : html`<div class="scroll-x" tabindex="0" role="region" aria-label="Table of sinks"><table class="table">
            <thead><tr>
              <th scope="col">Sink</th><th scope="col">State</th><th scope="col">Circuit</th><th scope="col" class="number">Pending</th>
              <th scope="col" class="number">Oldest</th><th scope="col" class="number">Delivered</th><th scope="col" class="number">Filtered</th><th scope="col" class="number">Dead letters</th><th scope="col" class="after-number">Last error</th>
            </tr></thead>
            <tbody>${sinks.map(sinkRow)}</tbody>
          </table></div>`
    }
  </section>`;
}

function sinkRow(sink: SinkTotals): VNode {
  const { state, circuit, lastError, failuresInARow = 0 } = sink;
  return html`<tr>
    <th scope="row">${shown(sink.name)}</th>
    <td>${state === undefined ? '–' : marked({ label: state, tone: STATES[state] ?? 'info' })}</td>
    <td>${circuit === undefined ? '–' : marked({ label: circuit, tone: CIRCUITS[circuit] ?? 'info' })}</td>
    <td class="number">${numberOf(sink.pending)}</td>
    <td class="number">${sink.pending === 0 ? '–' : durationOf(sink.oldestAgeMs)}</td>
    <td class="number">${numberOf(sink.delivered)}</td>
    <td class="number">${numberOf(sink.filtered)}</td>
    <td class="number">${sink.deadLetters === 0 ? '0' : html`<a href=${hashOf({ place: 'dead-letters' })}>${numberOf(sink.deadLetters)}</a>`}</td>
    <td class="attempt-error after-number">${lastErrorOf(lastError, failuresInARow)}</td>
  </tr>`;
}

function lastErrorOf(error: string | undefined, failures: number): Child {
  if (error === undefined) return html`<span class="hint">none</span>`;
  if (failures === 0) return html`<span class="hint">${shown(error)} (recovered)</span>`;
  return html`${shown(error)} <span class="hint">${countOf(failures, 'failure')} in a row</span>`;
}

const AUTHENTICATION: Readonly<Record<string, Badge>> = {
  authenticated: { label: 'authenticated', tone: 'good' },
  unproven: { label: 'no delivery authenticated yet', tone: 'quiet' },
  suspect: { label: 'the secret may have changed', tone: 'bad' },
};

function sourceTable(sources: readonly SourceTotals[]): VNode | null {
  if (sources.length === 0) return null;
  return html`<section class="card" aria-labelledby="sources-title">
    <h3 id="sources-title">Sources</h3>
    <table class="table sources">
      <thead><tr><th scope="col">Source</th><th scope="col">Authentication</th><th scope="col" class="number">Rejected since</th></tr></thead>
      <tbody>
        ${sources.map(
          ({ name, authentication, refused }) => html`<tr>
            <th scope="row">${shown(name)}</th>
            <td>${marked(AUTHENTICATION[authentication] ?? { label: authentication, tone: 'info' })}</td>
            <td class="number">${numberOf(refused)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
