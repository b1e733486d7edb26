import type { SinkOptions } from '../../config/config.js';
import { jsonLine } from '../../core/printable.js';
import { orInterrupted } from '../kit/interrupt.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkEvent,
  type SinkType,
} from '../sink.js';
import { LineFile } from './lines.js';

export type FileOptions = SinkOptions['file'];

export const fileSink: SinkType<'file'> = {
  type: 'file',
  create: (options, context) => {
    const { path, rotate } = options;
    const repaired = (what: string): void => {
      context.log.warn({ sink: context.name, path }, `the last line of the file was torn: ${what}`);
    };
    return new FileSink(new LineFile(path, { repaired, ...(rotate && { rotate }) }));
  },
};

interface Waiting {
  readonly lines: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes one JSON object per line. Events that several lanes deliver during a write go into the next write, together
 * and with one fdatasync. There is no timer, so a lane that is alone does not wait.
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

  /** Resolves once all lines are on disk. Rejects with a retryable SinkError; then none of them is in the file. */
  async deliver(
    batch: readonly SinkEvent[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryResult[]> {
    await this.#append(
      batch.map(({ json }) => jsonLine(json)),
      signal,
    );
    return batch.map(() => DELIVERED);
  }

  async check(): Promise<void> {
    await this.#file.check();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #append(lines: readonly string[], signal: AbortSignal): Promise<void> {
    // An attempt aborted while it waits for its turn must not be written later: its retry would duplicate it.
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

  #queue(lines: readonly string[]): Promise<void> {
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
        await this.#file.append(group.flatMap((entry) => entry.lines));
        for (const entry of group) entry.resolve();
      } catch (error) {
        for (const entry of group) entry.reject(error);
      }
    }
    this.#writing = undefined;
  }
}
