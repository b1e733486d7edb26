import type { JumpingClock } from '../shim/jumping-clock.js';
import type { SlowDisk } from '../shim/slow-disk.js';
import type { Program, ProgramOptions } from './program.js';
import type { RecordingSink } from './recording-sink.js';

/** What came of a row. Events are counted, each once however often it was sent, unless said otherwise. */
export interface RowOutcome {
  readonly sent: number;
  readonly answered200: number;
  /** Those that reached every sink. */
  readonly delivered: number;
  /** Those that were answered 200 and neither reached every sink nor are in its dead letters. */
  readonly lost: number;
  /** Second and further arrivals of an event, over all sinks. */
  readonly duplicated: number;
  readonly longestAnswerMs: number;
  /** What did not hold, one line each; empty where everything did. */
  readonly problems: readonly string[];
  /** How the row was run on this machine, where there is more than one way. */
  readonly notes: readonly string[];
}

/** What a row works with. All of it is ended and removed by the harness when the row is over. */
export interface RowContext {
  /** A directory of the row's own; the program's working directory unless told otherwise. */
  readonly directory: string;
  /** How many events the row sends, where it was told. */
  readonly events?: number | undefined;
  /** Starts the built program. */
  start(options: ProgramOptions): Promise<Program>;
  /** A server that takes what an `http` sink sends, and records it. */
  listen(): Promise<RecordingSink>;
  /** The disk that misbehaves on demand. Throws CannotRun without Linux or a C compiler. */
  slowDisk(): Promise<SlowDisk>;
  /** A wall clock that jumps on demand. Throws CannotRun without Linux or a C compiler. */
  jumpingClock(): Promise<JumpingClock>;
  /** Has this done when the row is over, before what was there earlier is ended. */
  after(work: () => Promise<unknown>): void;
}

/** One fault, and what must hold under it. A file of its own in rows/, and a line in rows.ts. */
export interface Row {
  /** What `--row` takes: lower case, with dashes. */
  readonly name: string;
  /** What goes wrong, for the table. */
  readonly fault: string;
  /** What must hold meanwhile and afterwards, for the table; beside what holds in every row. */
  readonly mustHold: string;
  /** The row is ended, and has failed, after this; 60 s unless said. */
  readonly limitMs?: number;
  run(context: RowContext): Promise<RowOutcome>;
}

/** This machine lacks what a row needs. It counts as failed: what was not shown does not hold. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}
