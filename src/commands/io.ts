import { messageOf, TrackbridgeError } from '../errors.js';
import { printable } from '../sinks/printable.js';

/** What a command sees of the process it runs in. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream;
}

/** What the program leaves with. Contract section 2. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** Prints an error as one line on standard error. Returns the exit code: 2 for usage and configuration, else 1. */
export function reportFailure(error: unknown, context: CommandContext): number {
  // The cause is for the operator, who sits here; senders only get the message.
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : '';
  const message = messageOf(error);
  const text = cause === '' || message.includes(cause) ? message : `${message} (${cause})`;
  context.err.write(`trackbridge: ${printable(text.replaceAll(/\s*\n\s*/g, ' '))}\n`);
  if (!(error instanceof TrackbridgeError)) return EXIT.failure;
  return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failure;
}

/** A port in use, an unwritable directory or a damaged outbox is for the operator to change, like a configuration. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'CONFIG_INVALID',
  'START_FAILED',
  'OUTBOX_CORRUPT',
]);

export function printJson(value: unknown, context: CommandContext): void {
  context.out.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** A table for people: columns as wide as their widest cell, two spaces between. */
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
