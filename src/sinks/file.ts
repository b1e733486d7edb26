import { LineFile, type Rotation } from './file-lines.js';
import { orInterrupted } from './interrupt.js';
import { oneLine } from './printable.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkEvent,
  type SinkType,
} from './sink.js';

export interface FileOptions {
  readonly path: string;
  readonly rotate?: Rotation;
}

export const fileSink: SinkType = {
  type: 'file',
  create: (options, context) => {
    // The shape is what schemas/sinks/file.schema.json let through.
    const { path, rotate } = options as unknown as FileOptions;
    const repaired = (what: string): void => {
      context.log.warn({ sink: context.name, path }, `the last line of the file was torn: ${what}`);
    };
    return new FileSink(new LineFile(path, { repaired, ...(rotate && { rotate }) }));
  },
};

interface Waiting {
  readonly lines: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One JSON object a line. What several lanes deliver while a write is under way is written by the next one, together and
 * with one fdatasync: there is no timer, and a lane that is alone does not wait.
 */
export class FileSink implements Sink {
  readonly #file: LineFile;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(file: LineFile) {
    this.#file = file;
  }

  async open(): Promise<void> {
    await this.#file.open();
  }

  /** Resolves once all lines are on disk. Rejects with a retryable SinkError, and then none of them is in the file. */
  async deliver(
    batch: readonly SinkEvent[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryResult[]> {
    const lines = Buffer.from(batch.map(({ json }) => `${oneLine(json)}\n`).join(''));
    await this.#append(lines, signal);
    return batch.map(() => DELIVERED);
  }

  async check(): Promise<void> {
    await this.#file.check();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #append(lines: Buffer, signal: AbortSignal): Promise<void> {
    // Given up while it waits for its turn, an attempt must not be written later: its retry would be there twice.
    const withdraw = (): void => {
      this.#waiting = this.#waiting.filter((entry) => entry.lines !== lines);
    };
    signal.addEventListener('abort', withdraw, { once: true });
    try {
      await orInterrupted(() => this.#queue(lines), signal);
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  }

  #queue(lines: Buffer): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ lines, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#file.append(Buffer.concat(group.map((entry) => entry.lines)));
        for (const entry of group) entry.resolve();
      } catch (error) {
        for (const entry of group) entry.reject(error);
      }
    }
    this.#writing = undefined;
  }
}
