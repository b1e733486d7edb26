import { printable } from '../../core/printable.js';
import type { DifferenceRow, FullReport } from '../../parity/report/report.js';
import { type CommandContext, printTable } from '../io.js';
import { nameOf } from './findings.js';
import { exampleText } from './values.js';

/** Rows of a table in the terminal. `--json` has all of them. */
const MOST = 15;

/** Prints a report for people. */
export function printReport(report: FullReport, context: CommandContext): void {
  const line = (text = ''): void => void context.out.write(`${text}\n`);
  const { grades, left, match, pending, right, since, until } = report;
  line(`${printable(report.name)}: ${printable(left)} (left) and ${printable(right)} (right)`);
  line(`${since} to ${until}`);
  line();
  if (match === null) line('Nothing has settled yet.');
  else {
    const [low, high] = report.interval;
    line(`${match} % of all events match (95 % confidence: ${low} to ${high} %)`);
  }
  line();
  const { left: leftRepeats, right: rightRepeats } = report.repeatsBySide;
  printTable(
    [
      ['both', String(report.both), gradesText(grades)],
      ['different', String(report.different), ''],
      ['only left', String(report.onlyLeft), ''],
      ['only right', String(report.onlyRight), ''],
      ['late', String(report.late), 'arrived after they had counted as missing'],
      [
        'repeats',
        String(report.repeats),
        `redeliveries: ${leftRepeats} left, ${rightRepeats} right`,
      ],
      ['pending', String(pending), 'have not settled'],
      ['lag', lagText(report), 'between the two deliveries of a pair'],
    ],
    context,
  );
  for (const { events, from, side, to } of report.silent) {
    line();
    line(
      `The ${side} side was silent from ${from} to ${to ?? 'now'}: an outage. ${events} events of the other side are not counted as missing.`,
    );
  }
  for (const { from, to } of report.gaps) {
    line();
    line(`Not recorded: ${from} to ${to}. Events near it are not counted as missing.`);
  }
  section(context, 'EVENTS', [
    ['TYPE', 'EVENT', 'BOTH', 'ONLY LEFT', 'ONLY RIGHT', 'DIFFERENT'],
    ...report.events
      .slice(0, MOST)
      .map((row) =>
        [row.type, row.event ?? '', row.both, row.onlyLeft, row.onlyRight, row.different].map(
          (cell) => printable(String(cell)),
        ),
      ),
  ]);
  if (report.missing.length > 0) {
    section(context, 'WITHOUT A PARTNER', [
      ['EVENTS', 'ONLY ON', 'EVENT', 'CAUSE'],
      ...report.missing
        .slice(0, MOST)
        .map((row) =>
          [row.events, row.side, nameOf(row), row.cause ?? ''].map((cell) =>
            printable(String(cell)),
          ),
        ),
    ]);
  }
  if (report.differences.length > 0) {
    line();
    line('DIFFERENCES');
    for (const row of report.differences.slice(0, MOST)) printDifference(row, context);
  }
  if (report.rules.length > 0) {
    section(context, 'EQUAL AFTER A RULE', [
      ['PAIRS', 'RULE'],
      ...report.rules.map(({ events, rule }) => [String(events), printable(rule)]),
    ]);
  }
}

function section(context: CommandContext, title: string, rows: readonly string[][]): void {
  context.out.write(`\n${title}\n`);
  printTable(rows, context);
}

function printDifference(row: DifferenceRow, { out }: CommandContext): void {
  const { cause, events, kind, path } = row;
  out.write(`${events}  ${printable(path)}  ${kind}\n`);
  if (cause !== undefined) out.write(`    cause: ${printable(cause)}\n`);
  out.write(`    left:  ${printable(exampleText(row, 'left'))}\n`);
  out.write(`    right: ${printable(exampleText(row, 'right'))}\n`);
}

function gradesText({ exact, repeat, strong, weak }: FullReport['grades']): string {
  return `paired: ${exact} exact, ${strong} strong, ${repeat} repeat, ${weak} weak`;
}

function lagText({ lag, lags }: FullReport): string {
  if (lag.p50 === null) return '-';
  return `p50 ${lag.p50} ms, p90 ${lags.p90} ms, p99 ${lag.p99} ms, max ${lags.max} ms`;
}
