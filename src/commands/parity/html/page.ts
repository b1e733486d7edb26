import type { FullReport } from '../../../parity/report/report.js';
import { findingsOf, nameOf } from '../findings.js';
import { exampleText } from '../values.js';
import { chart } from './chart.js';
import { escaped, list, table } from './markup.js';
import { STYLE } from './style.js';

/** Returns a report as one HTML file: no script, no network, charts as SVG, and a layout that prints. */
export function htmlReport(report: FullReport): string {
  const title = `Parity ${report.name}: ${report.left} and ${report.right}`;
  const body = [
    `<h1>${escaped(title)}</h1>`,
    `<p class="when">${escaped(report.since)} to ${escaped(report.until)}</p>`,
    summary(report),
    chart(report.series),
    notes(report),
    fixFirst(report),
    events(report),
    differences(report),
    missing(report),
    rules(report),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body.filter((part) => part !== '').join('\n')}
</main>
</body>
</html>
`;
}

function summary(report: FullReport): string {
  const { grades, interval, lag, match } = report;
  const [low, high] = interval;
  const share =
    match === null
      ? '<p class="share">Nothing has settled yet</p>'
      : `<p class="share"><strong>${match} %</strong> of all events match <span>95 % confidence: ${low} to ${high} %</span></p>`;
  return `${share}${list([
    ['Both', report.both],
    ['Different', report.different],
    ['Only left', report.onlyLeft],
    ['Only right', report.onlyRight],
    ['Late', report.late],
    ['Repeats', report.repeats],
    ['Pending', report.pending],
    ['Lag', lag.p50 === null ? '-' : `p50 ${lag.p50} ms, p99 ${lag.p99} ms`],
    [
      'Paired',
      `${grades.exact} exact, ${grades.strong} strong, ${grades.repeat} repeat, ${grades.weak} weak`,
    ],
  ])}`;
}

function notes({ gaps, silent }: FullReport): string {
  const texts = [
    ...silent.map(
      ({ events, from, side, to }) =>
        `The ${side} side was silent from ${from} to ${to ?? 'the end'}. ${events} events of the other side are not counted as missing.`,
    ),
    ...gaps.map(
      ({ from, to }) =>
        `Not recorded: ${from} to ${to}. Events near this time are not counted as missing.`,
    ),
  ];
  return texts.map((text) => `<p class="note">${escaped(text)}</p>`).join('');
}

function fixFirst(report: FullReport): string {
  const rows = findingsOf(report).slice(0, 5);
  if (rows.length === 0) return '';
  return `<h2>Fix first</h2>${table(
    ['Events', 'What', 'Cause'],
    rows.map(({ cause = '', events: number, what }) => [number, what, cause]),
  )}`;
}

function events({ events: rows }: FullReport): string {
  return `<h2>Events</h2>${table(
    ['Type', 'Event', 'Both', 'Only left', 'Only right', 'Different'],
    rows.map((row) => [
      row.type,
      row.event ?? '',
      row.both,
      row.onlyLeft,
      row.onlyRight,
      row.different,
    ]),
  )}`;
}

function differences({ differences: rows }: FullReport): string {
  if (rows.length === 0) return '';
  return `<h2>Differences</h2>${table(
    ['Pairs', 'Path', 'Kind', 'Left', 'Right', 'Cause'],
    rows.map((row) => [
      row.events,
      row.path,
      row.kind,
      exampleText(row, 'left'),
      exampleText(row, 'right'),
      row.cause ?? '',
    ]),
  )}`;
}

function missing({ missing: rows }: FullReport): string {
  if (rows.length === 0) return '';
  return `<h2>Without a partner</h2>${table(
    ['Events', 'Only on', 'Event', 'Cause'],
    rows.map((row) => [row.events, row.side, nameOf(row), row.cause ?? '']),
  )}`;
}

function rules({ rules: rows }: FullReport): string {
  if (rows.length === 0) return '';
  return `<h2>Equal after a rule</h2>${table(
    ['Pairs', 'Rule'],
    rows.map(({ events: pairs, rule }) => [pairs, rule]),
  )}`;
}
