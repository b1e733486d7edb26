import { cellText, numberText, targetText, verdictText } from './format.js';
import { COLUMNS, columnsOf, type Result, type SectionResult } from './result.js';

type Table = (head: readonly string[], rows: readonly (readonly string[])[]) => string;

/** The text of one generated region of `docs/performance.md`: `machine`, `targets` or the name of a section. */
export function pageRegion(result: Result, name: string, table: Table): string {
  if (name === 'machine') return machineText(result);
  if (name === 'targets') return targetsTable(result, table);
  const section = result.sections.find((each) => each.name === name);
  return section === undefined
    ? 'The newest result does not contain this section.'
    : sectionText(section, table);
}

function machineText({ machine, settings }: Result): string {
  const { commit, cores, cpu, date, fileSystem, fsync, kernel, memoryGigabytes, node } = machine;
  return (
    `Measured on ${date.slice(0, 10)} at commit \`${commit}\`: ${cpu}, ${cores} cores, ${memoryGigabytes} GB of memory, ` +
    `${kernel}, Node ${node.replace(/^v/, '')}, ${fileSystem}. A write of 4 kB with fdatasync took ${fsync.p50.toFixed(2)} ms ` +
    `(p99 ${fsync.p99.toFixed(2)} ms). ${settings.rounds} ${settings.rounds === 1 ? 'round' : 'rounds'} of ` +
    `${settings.requests.toLocaleString('en-US')} requests per line.` +
    (settings.rounds < 5 ? ' **Fewer than five rounds are no comparison.**' : '')
  );
}

function targetsTable({ sections }: Result, table: Table): string {
  const rows = sections.flatMap(({ lines, name }) =>
    lines.flatMap((line) =>
      (line.targets ?? []).map((target) => {
        const verdict = verdictText(line, target);
        return [
          `${name}: ${line.name}`,
          targetText(target),
          cellText(line.figures[target.column], target.column) || numberText(Number.NaN, 'ratio'),
          verdict === 'missed' ? '**missed**' : verdict,
        ];
      }),
    ),
  );
  return rows.length === 0
    ? 'The newest result contains no line with a target.'
    : table(['Line', 'Target', 'Measured', ''], rows);
}

function sectionText({ errors, lines, notes }: SectionResult, table: Table): string {
  const columns = columnsOf(lines);
  const text = table(
    ['', ...columns.map((column) => COLUMNS[column].title)],
    lines.map(({ figures, name }) => [
      name,
      ...columns.map((column) => cellText(figures[column], column)),
    ]),
  );
  const failures = errors.map((error) => `Not measured: ${error}`);
  return [...(lines.length === 0 ? [] : [text]), ...notes, ...failures].join('\n\n');
}
