/** Longest line that is passed on, and how much of the end is kept for a look at why a process ended. */
const LONGEST = 500;
const KEPT = 8_192;

/** What V8 and Node write when they abort begins so. It is of use to nobody but their developers. */
const DUMP = /^(<--- Last few GCs --->|----- Native stack trace -----)$/;

/** Cuts what a process writes to standard error into lines. */
export class LineReader {
  readonly #onLine: (line: string) => void;
  #open = '';
  #tail = '';
  #silent = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** The last few kilobytes. */
  get tail(): string {
    return this.#tail;
  }

  read(text: string): void {
    this.#tail = (this.#tail + text).slice(-KEPT);
    const lines = (this.#open + text).split('\n');
    this.#open = (lines.pop() ?? '').slice(0, LONGEST);
    for (const line of lines) this.#tell(line);
  }

  /** Tells the last line, which no line feed ended. */
  end(): void {
    this.#tell(this.#open);
    this.#open = '';
  }

  #tell(line: string): void {
    if (DUMP.test(line)) this.#silent = true;
    if (this.#silent || line.trim() === '') return;
    this.#onLine(line.slice(0, LONGEST));
  }
}
