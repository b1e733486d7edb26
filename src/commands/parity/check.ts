import { printable } from '../../core/printable.js';
import type { FullReport } from '../../parity/report/report.js';
import { type CommandContext, printTable } from '../io.js';
import { count, findingsOf } from './findings.js';

/** The findings that are named. */
const FIRST = 5;

/** The result of `parity check`, as `--json` prints it. */
export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  /** Percent; null if nothing has settled yet. */
  readonly match: number | null;
  readonly minMatch: number;
  readonly pending: number;
  /** What costs the most events, the costliest first. */
  readonly fixFirst: readonly {
    readonly what: string;
    readonly events: number;
    readonly cause?: string;
  }[];
}

/** Without a verdict nothing is shown to match, so the check fails. */
export function resultOf(report: FullReport, minMatch: number): CheckResult {
  const { match, name, pending } = report;
  const passed = match !== null && match >= minMatch;
  const fixFirst = passed ? [] : findingsOf(report).slice(0, FIRST);
  return { name, passed, match, minMatch, pending, fixFirst };
}

export function printCheck(result: CheckResult, context: CommandContext): void {
  const { fixFirst, match, minMatch, name, passed, pending } = result;
  const share = match === null ? 'nothing has settled yet' : `${match} % match`;
  const verdict = passed ? 'passed' : 'failed';
  context.out.write(
    `${verdict}: ${printable(name)}: ${share}, ${minMatch} % required; ${count(pending, 'event')} pending\n`,
  );
  if (fixFirst.length === 0) return;
  context.out.write('\nFix first:\n');
  printTable(
    fixFirst.map(({ cause = '', events, what }) => [
      `  ${events}`,
      printable(what),
      printable(cause),
    ]),
    context,
  );
}
