/**
 * An outbox in a process of its own, driven over IPC, so that a test can kill it or give it a bad disk.
 *
 * Arguments: the path of the store, and optionally after how many messageIds they are merged (then without a thread).
 * `OUTBOX_DURABILITY` is its durability, `full` where unset. Commands: `{ id, do: 'append', ids, quarantined }`, `'stats'`,
 * `'probe'`, `'tick'`, `'warnings'`, `'errors'`, `'close'`; each is answered with `{ id, result }` or `{ id, error }`.
 */
import { systemClock } from '../../../src/core/clock.js';
import { TrackbridgeError } from '../../../src/core/errors.js';
import { SqliteOutbox } from '../../../src/outbox/sqlite/outbox.js';
import { inProcess } from '../in-process.js';
import { delivery, named, newEvent, newQuarantined } from '../samples.js';

export interface Command {
  readonly id: number;
  readonly do: 'append' | 'stats' | 'probe' | 'tick' | 'warnings' | 'errors' | 'close';
  readonly ids?: readonly string[];
  /** How many entries for quarantine come with them. */
  readonly quarantined?: number;
  /** Milliseconds until the append is given up. */
  readonly patience?: number;
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

const [, , path = '', mergeSeenAt] = process.argv;
const options = {
  path,
  durability: process.env['OUTBOX_DURABILITY'] === 'normal' ? 'normal' : 'full',
  dedupeWindow: 3_600_000,
  maxPending: 1_000_000,
  retention: { age: 3_600_000 },
} as const;
const warnings: string[] = [];
const errors: { readonly message: string; readonly detail: string }[] = [];
const log = {
  warn: (_: object, message: string) => void warnings.push(message),
  error: (fields: object, message: string) =>
    void errors.push({ message, detail: detailOf(fields) }),
};
const outbox =
  mergeSeenAt === undefined
    ? new SqliteOutbox(options, { clock: systemClock, log })
    : inProcess(options, systemClock, { mergeSeenAt: Number(mergeSeenAt) }).outbox;

/** What the log says beside the message. */
function detailOf(fields: object): string {
  if ('file' in fields) return String(fields.file);
  return 'err' in fields ? String(fields.err) : '';
}

async function run(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'append':
      return outbox.append(
        delivery(
          (command.ids ?? []).map((id) => newEvent(id)),
          Array.from({ length: command.quarantined ?? 0 }, () => newQuarantined()),
        ),
        command.patience === undefined ? undefined : AbortSignal.timeout(command.patience),
      );
    case 'stats':
      return outbox.stats();
    case 'probe':
      return outbox.probe();
    case 'tick':
      return 'alive';
    case 'warnings':
      return warnings;
    case 'errors':
      return errors;
    case 'close':
      return outbox.close();
  }
}

function describe(error: unknown): Answer['error'] {
  if (error instanceof TrackbridgeError) return { code: error.code, message: error.message };
  return { code: 'UNKNOWN', message: String(error) };
}

process.on('message', (command: Command) => {
  run(command).then(
    (result) => process.send?.({ id: command.id, result }),
    (error: unknown) => process.send?.({ id: command.id, error: describe(error) }),
  );
});

outbox.open(named('archive')).then(
  () => process.send?.({ id: 0, result: 'open' }),
  (error: unknown) => process.send?.({ id: 0, error: describe(error) }),
);
