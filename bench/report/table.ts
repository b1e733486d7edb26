import { cellText, targetText, verdictText } from './format.js';
import { COLUMNS, columnsOf, type SectionResult } from './result.js';

/** A section for the terminal: its lines, their targets, and what a reader must know. */
export function sectionTable({ errors, lines, notes }: SectionResult): string {
  const columns = columnsOf(lines);
  const rows = [
    ['', ...columns.map((column) => COLUMNS[column].title)],
    ...lines.map(({ figures, name }) => [
      name,
      ...columns.map((column) => cellText(figures[column], column)),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map((row) => row[index]?.length ?? 0)),
  );
  const padded = rows.map((row) =>
    row
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const verdicts = lines.flatMap((line) =>
    (line.targets ?? []).map(
      (target) => `${line.name}: ${targetText(target)}: ${verdictText(line, target)}`,
    ),
  );
  return [...padded, ...verdicts, ...notes, ...errors.map((error) => `! ${error}`)].join('\n');
}
