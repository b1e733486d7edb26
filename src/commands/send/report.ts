import { oneLine, printable } from '../../core/printable.js';
import type { CommandContext } from '../io.js';
import type { Attempt } from './run.js';

/** The number of attempts between updates of the progress line. */
const PROGRESS_STEP = 10;

/** Prints one attempt as a line. */
export function printAttempt(attempt: Attempt, context: CommandContext): void {
  const { file, status, method, path, events, milliseconds, answer, retried } = attempt;
  const from = file === undefined ? '' : `${printable(file)}: `;
  const what = `${from}${method} ${path.split('?')[0]}, ${events} event${events === 1 ? '' : 's'}`;
  const again = retried ? ', to be retried' : '';
  const said = oneLine(answer, 300);
  context.out.write(`${status ?? '---'} ${what}, ${milliseconds} ms${again}: ${said}\n`);
}

/** Prints all attempts as one line, by status. */
export function printSummary(attempts: readonly Attempt[], context: CommandContext): void {
  const byStatus = new Map<string, number>();
  for (const { status } of attempts) {
    const key = String(status ?? 'no answer');
    byStatus.set(key, (byStatus.get(key) ?? 0) + 1);
  }
  const events = attempts.reduce((sum, attempt) => sum + attempt.events, 0);
  const counts = [...byStatus].map(([status, number]) => `${number} × ${status}`).join(', ');
  context.out.write(`${attempts.length} deliveries, ${events} events: ${counts}\n`);
}

/**
 * Reports in one line what was not as expected, and makes the program exit with 1.
 * @param advice what to do if the receiver answers 401, if that is known
 */
export function judge(
  attempts: readonly Attempt[],
  expected: readonly number[] | undefined,
  context: CommandContext,
  advice = '',
): void {
  const problem = expected === undefined ? unaccepted(attempts, advice) : unmet(attempts, expected);
  if (problem === undefined) return;
  context.err.write(`trackbridge: ${oneLine(problem)}\n`);
  context.fail();
}

function unaccepted(attempts: readonly Attempt[], advice: string): string | undefined {
  const failed = attempts.filter(({ status, retried }) => !retried && !isSuccess(status));
  const [first] = failed;
  if (first === undefined) return undefined;
  const why =
    first.status === null
      ? `no answer (${first.answer}); check that the receiver is running, and --to`
      : `answered ${first.status}: ${first.answer.slice(0, 300)}${first.status === 401 ? advice : ''}`;
  return failed.length === 1
    ? `a delivery was not accepted, ${why}`
    : `${failed.length} deliveries were not accepted, the first: ${why}`;
}

function unmet(attempts: readonly Attempt[], expected: readonly number[]): string | undefined {
  const [only, ...more] = expected;
  const wanted = more.length === 0 ? attempts.map(() => only) : expected;
  const came = attempts.map(({ status }) => status);
  const at = wanted.findIndex((status, index) => status !== came[index]);
  if (at === -1 && came.length === wanted.length) return undefined;
  if (at === -1) return `--expect lists ${wanted.length} answers, but ${came.length} arrived`;
  const answer = came[at];
  const said = answer === undefined ? 'there was none' : `it was ${answer ?? 'no answer'}`;
  return `--expect failed: answer ${at + 1} should have been ${wanted[at]}, ${said}`;
}

function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** Returns a progress line on standard error that redraws itself, if that is a terminal and `total` is not 0. */
export function progressOn(
  context: CommandContext,
  total: number,
): { show(done: number): void; end(): void } {
  if (!('isTTY' in context.err) || context.err.isTTY !== true || total === 0) {
    return { show: () => undefined, end: () => undefined };
  }
  return {
    show(done) {
      if (done % PROGRESS_STEP !== 0 && done < total) return;
      const filled = Math.min(30, Math.round((30 * done) / total));
      const bar = '#'.repeat(filled).padEnd(30, '.');
      context.err.write(`\r[${bar}] ${done} of ${total}`);
    },
    end() {
      context.err.write('\n');
    },
  };
}
