/**
 * An outbox in a process of its own, driven over IPC, so that a test can kill it or give it a bad disk.
 *
 * Arguments: the path of the store, and optionally after how many messageIds they are merged (then without a thread).
 * `OUTBOX_DURABILITY` is its durability, `full` where unset. Commands: `{ id, do: 'append', ids, quarantined }`, `'stats'`,
 * `'probe'`, `'tick'`, `'warnings'`, `'close'`; each is answered with `{ id, result }` or `{ id, error }`.
 */
import { systemClock } from '../../../src/clock.js';
import { TrackbridgeError } from '../../../src/errors.js';
import { SqliteOutbox } from '../../../src/outbox/sqlite.js';
import { inProcess } from '../in-process.js';
import { delivery, newEvent, newQuarantined } from '../samples.js';

export interface Command {
  readonly id: number;
  readonly do: 'append' | 'stats' | 'probe' | 'tick' | 'warnings' | 'close';
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
  retention: 3_600_000,
} as const;
const warnings: string[] = [];
const log = {
  warn: (_: object, message: string) => void warnings.push(message),
  error: () => undefined,
};
const outbox =
  mergeSeenAt === undefined
    ? new SqliteOutbox(options, { clock: systemClock, log })
    : inProcess(options, systemClock, { mergeSeenAt: Number(mergeSeenAt) }).outbox;

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

outbox.open(['archive']).then(
  () => process.send?.({ id: 0, result: 'open' }),
  (error: unknown) => process.send?.({ id: 0, error: describe(error) }),
);
