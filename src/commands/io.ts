import { messageOf, TrackbridgeError } from '../core/errors.js';
import { oneLine, printable } from '../core/printable.js';

/** A command's view of the process it runs in. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly in: NodeJS.ReadableStream;
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream;
  /** Makes the program exit with 1 once the command has ended. */
  fail(): void;
}

/** The program's exit codes (contract, section 2). */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** Prints an error as one line on standard error. Returns the exit code: 2 for usage and configuration, else 1. */
export function reportFailure(error: unknown, context: Pick<CommandContext, 'err'>): number {
  // The cause is for the operator, who reads this terminal; senders only receive the message.
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : '';
  const message = messageOf(error);
  const text = cause === '' || message.includes(cause) ? message : `${message} (${cause})`;
  context.err.write(`trackbridge: ${oneLine(text)}\n`);
  if (!(error instanceof TrackbridgeError)) return EXIT.failure;
  return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failure;
}

/** A port in use, an unwritable directory and a damaged outbox are for the operator to fix, like a configuration. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'CONFIG_INVALID',
  'START_FAILED',
  'OUTBOX_CORRUPT',
]);

/**
 * Prints a value as indented JSON, with terminal control characters as `\u` escapes: entries hold what senders wrote.
 */
export function printJson(value: unknown, context: CommandContext): void {
  const lines = JSON.stringify(value, null, 2).split('\n');
  context.out.write(`${lines.map((line) => printable(line)).join('\n')}\n`);
}

/** Prints a table for people: columns as wide as their widest cell, two spaces between. */
export function printTable(rows: readonly (readonly string[])[], context: CommandContext): void {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    context.out.write(`${cells.join('  ').trimEnd()}\n`);
  }
}
