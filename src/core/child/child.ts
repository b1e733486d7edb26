import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { type Clock, turn, withinTime } from '../clock.js';
import { messageOf } from '../errors.js';
import { fromSources, sourceOf } from '../worker.js';
import { reasonOf } from './end.js';
import { LineReader } from './lines.js';
import type { FromChild, Mark, ToChild } from './messages.js';

/** Beside its heap a child may have buffers, code and stacks; megabytes. */
const BESIDE_HEAP_MB = 256;

/** Flags of Node that say how modules are loaded. Others, such as a debugger's port, are for one process only. */
const LOADER_FLAGS =
  /^(--import|--require|-r|--loader|--experimental-loader|--conditions|-C)(=.*)?$/;

/** After the end of a child, what it said last may still be on its way; milliseconds. */
const LAST_WORDS = 200;

export interface ChildOptions {
  /** A module of this program that calls `serve`, written as `new URL('./x.js', import.meta.url)`. */
  readonly entry: URL;
  readonly clock: Clock;
  /** Megabytes of its JavaScript heap; half of this process's own limit, at most 1,024, unless a test says otherwise. */
  readonly heapMb?: number;
  /** Told what the child says unasked. */
  readonly onNote?: (note: unknown) => void;
  /** Told each line that it writes to standard error. */
  readonly onLine?: (line: string) => void;
}

/** The child ended before it replied. */
export class ChildLost extends Error {
  override readonly name = 'ChildLost';
  /** What ended it, without its subject: "used more than 256 MB of memory". */
  readonly reason: string;
  /** What it was that ended it: null if it was nothing that a call began, undefined if that is not known. */
  readonly mark: Mark | null | undefined;

  constructor(reason: string, mark: Mark | null | undefined) {
    super(`the process ${reason}`);
    this.reason = reason;
    this.mark = mark;
  }
}

export interface Call {
  readonly id: number;
  /** Rejects with ChildLost, or with an Error that the handler threw. */
  readonly reply: Promise<unknown>;
}

interface Open {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onPart: (part: unknown) => void;
}

/**
 * A process of its own for code that an operator has written: one life, from its start to its end.
 *
 * Not a worker thread: V8 ends the whole process if a thread of it needs one large block of memory beyond its limit, as an
 * array that grows does; a thread also cannot be held to a limit on buffers.
 */
export class Child {
  readonly heapMb: number;
  /** Resolves when the child is lost, to why. */
  readonly lost: Promise<ChildLost>;
  readonly #process: ChildProcess;
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();
  readonly #ended: Promise<void>;
  readonly #pongs = new Map<number, (alive: boolean) => void>();
  #tellLost: (lost: ChildLost) => void = () => undefined;
  #calls = 0;
  #signs = 0;
  #lost: ChildLost | undefined;

  constructor(options: ChildOptions) {
    const { clock, entry, onLine = () => undefined, onNote = () => undefined } = options;
    const ownMb = getHeapStatistics().heap_size_limit / 2 ** 20;
    this.heapMb = options.heapMb ?? Math.round(Math.min(Math.max(ownMb / 2, 64), 1_024));
    this.#clock = clock;
    const lines = new LineReader(onLine);
    this.#process = start(entry, this.heapMb);
    const { stderr } = this.#process;
    stderr?.setEncoding('utf8').on('data', (text: string) => lines.read(text));
    const said = new Promise((resolve) => stderr?.once('close', resolve));
    const hungUp = new Promise((resolve) => this.#process.once('disconnect', resolve));
    this.#process.on('message', (message: FromChild) => this.#hear(message, onNote));
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
    this.#ended = new Promise((resolve) => {
      const end = async (code: number | null, signal: string | null): Promise<void> => {
        await withinTime(Promise.all([said, hungUp]), LAST_WORDS, clock, () => undefined);
        lines.end();
        const reason = reasonOf({ code, signal, tail: lines.tail, heapMb: this.heapMb });
        this.#lose({ reason, mark: undefined });
        resolve();
      };
      this.#process.once('exit', (code, signal) => void end(code, signal));
      this.#process.once('error', (error) => {
        // It could not be started: there is no exit to wait for.
        if (this.#process.pid !== undefined) return;
        this.#lose({ reason: `could not be started: ${messageOf(error)}`, mark: null });
        resolve();
      });
    });
  }

  /** False once the child has ended or is about to. */
  get alive(): boolean {
    return this.#lost === undefined;
  }

  /** Grows with everything the child says: a sign of life. */
  get signs(): number {
    return this.#signs;
  }

  call(kind: string, request: unknown, onPart: (part: unknown) => void = () => undefined): Call {
    this.#calls += 1;
    const id = this.#calls;
    const reply = new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost);
      this.#open.set(id, { resolve, reject, onPart });
      this.#send(['call', id, kind, request]);
    });
    return { id, reply };
  }

  note(note: unknown): void {
    this.#send(['note', note]);
  }

  /** Whether the child's event loop answers within so many milliseconds. */
  async answers(ms: number): Promise<boolean> {
    if (!this.alive) return false;
    this.#calls += 1;
    const id = this.#calls;
    const pong = new Promise<boolean>((resolve) => this.#pongs.set(id, resolve));
    this.#send(['ping', id]);
    const inTime = await withinTime(pong, ms, this.#clock, () => false);
    // If it was this process that was late, the answer is there and only has to be read.
    if (!inTime) await turn();
    const isMissing = this.#pongs.delete(id);
    return this.alive && !isMissing;
  }

  /** Ends the child at once. Open calls reject with this reason. */
  kill(reason: string, mark?: Mark | null): void {
    this.#lose({ reason, mark });
    this.#process.kill('SIGKILL');
  }

  /** Ends the child; resolves once it has ended. */
  async end(): Promise<void> {
    this.kill('was ended');
    await this.#ended;
  }

  #send(message: ToChild): void {
    // A closed channel is told of by the end of the process, too.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  #hear(message: FromChild, onNote: (note: unknown) => void): void {
    this.#signs += 1;
    const [kind, id, what] = message;
    if (kind === 'part') this.#open.get(id)?.onPart(what);
    if (kind === 'reply') this.#take(id)?.resolve(what);
    if (kind === 'failed') this.#take(id)?.reject(new Error(what));
    if (kind === 'note') onNote(id);
    if (kind === 'fatal') this.kill(id, what);
    if (kind !== 'pong') return;
    this.#pongs.get(id)?.(true);
    this.#pongs.delete(id);
  }

  #take(id: number): Open | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    return open;
  }

  #lose({ reason, mark }: Pick<ChildLost, 'reason' | 'mark'>): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ChildLost(reason, mark);
    this.#tellLost(this.#lost);
    for (const { reject } of this.#open.values()) reject(this.#lost);
    for (const answer of this.#pongs.values()) answer(false);
    this.#open.clear();
    this.#pongs.clear();
  }
}

function start(entry: URL, heapMb: number): ChildProcess {
  const sources = fromSources();
  const path = fileURLToPath(sources ? sourceOf(entry) : entry);
  return fork(path, [String(process.pid), String(heapMb + BESIDE_HEAP_MB)], {
    execArgv: [
      ...loaderFlags(process.execArgv),
      ...(sources ? ['--import', import.meta.resolve('tsx')] : []),
      `--max-old-space-size=${heapMb}`,
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
}

function loaderFlags(flags: readonly string[]): readonly string[] {
  return flags.flatMap((flag, at) => {
    if (!LOADER_FLAGS.test(flag)) return [];
    const value = flags[at + 1];
    return flag.includes('=') || value === undefined ? [flag] : [flag, value];
  });
}
