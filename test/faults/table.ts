import type { Row, RowOutcome } from './row.js';

/** A row that was run. */
export interface Result {
  readonly row: Row;
  readonly outcome: RowOutcome;
  /** How long the row took, milliseconds. */
  readonly tookMs: number;
}

const START = '<!-- faults: written by `npm run faults -- --write` -->';
const END = '<!-- /faults -->';

const HEAD = [
  'row',
  'what happens, and what must hold',
  'sent',
  'answered 200',
  'delivered',
  'lost',
  'duplicated',
  'longest answer',
  'verdict',
] as const;

/** Whether everything held. */
export function holds({ lost, problems }: RowOutcome): boolean {
  return lost === 0 && problems.length === 0;
}

/** "holds", or what did not. */
function verdict(outcome: RowOutcome): string {
  return holds(outcome) ? 'holds' : `**does not hold**: ${outcome.problems.join('; ')}`;
}

function cellsOf({ row, outcome }: Result): readonly string[] {
  const notes = outcome.notes.length === 0 ? '' : ` (${outcome.notes.join('; ')})`;
  return [
    `\`${row.name}\``,
    `${row.fault}${notes}: ${row.mustHold}`,
    ...[outcome.sent, outcome.answered200, outcome.delivered, outcome.lost, outcome.duplicated].map(
      (count) => count.toLocaleString('en-US'),
    ),
    `${outcome.longestAnswerMs.toLocaleString('en-US')} ms`,
    verdict(outcome),
  ];
}

const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

/** The results for a terminal: one line of figures a row, and below it what did not hold. */
export function forTerminal(results: readonly Result[]): string {
  const name = Math.max(...results.map(({ row }) => row.name.length));
  const figures = ['sent', '200', 'delivered', 'lost', 'duplicated', 'longest', 'took'];
  const format = (first: string, cells: readonly string[], last: string): string =>
    `${first.padEnd(name)} ${cells.map((cell) => cell.padStart(10)).join(' ')}   ${last}`;
  const rows = results.map(({ row, outcome, tookMs }) => {
    const cells = [
      ...[outcome.sent, outcome.answered200, outcome.delivered, outcome.lost, outcome.duplicated],
      `${outcome.longestAnswerMs} ms`,
      `${(tookMs / 1000).toFixed(1)} s`,
    ].map(String);
    const below = [
      ...outcome.problems.map((problem) => `  ! ${problem}`),
      ...outcome.notes.map((note) => `  (${note})`),
    ];
    const last = holds(outcome) ? 'holds' : 'DOES NOT HOLD';
    return [format(row.name, cells, last), ...below].join('\n');
  });
  return [format('row', figures, 'verdict'), ...rows].join('\n');
}

/**
 * A document with these results in its table. `names` are all rows there are, in their order: the lines of those that were not
 * run now stay as they are, and those of rows that are no more go.
 */
export function writeInto(
  document: string,
  results: readonly Result[],
  names: readonly string[],
): string {
  const [from, to] = [document.indexOf(START), document.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`the document has no "${START}" … "${END}"`);
  const old = new Map(
    [...document.slice(from, to).matchAll(/^\| `([^`]+)` \|.*$/gm)].map((match) => [
      String(match[1]),
      match[0],
    ]),
  );
  for (const result of results) old.set(result.row.name, line(cellsOf(result)));
  const body = names.map((name) => old.get(name)).filter((each) => each !== undefined);
  const rule = HEAD.map((_, index) => (index >= 2 && index <= 7 ? '--:' : '---'));
  const table = [line(HEAD), `|${rule.join('|')}|`, ...body].join('\n');
  return `${document.slice(0, from)}${START}\n\n${table}\n\n${document.slice(to)}`;
}
