import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { turn } from '../core/clock.js';

export interface ReadOptions {
  /** Bytes. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Called with the size of each chunk before it is kept. An error that it throws ends the reading. */
  readonly account: (bytes: number) => void;
  readonly tooLarge: () => Error;
  readonly late: () => Error;
  readonly failed: (error: NodeJS.ErrnoException) => Error;
  readonly pause?: Pauses;
}

/**
 * Pauses the stream after `beyond` bytes, and after every `every` further ones, until the promise resolves. If the
 * promise rejects, the reading ends.
 */
interface Pauses {
  readonly beyond: number;
  readonly every: number;
  readonly until: () => Promise<unknown>;
}

/**
 * Reads all bytes of a stream. Rejects as the options say, and then drops every byte received so far and later.
 * raw-body would continue to read an abandoned body, in memory that nothing limits.
 */
export function readStream(stream: Readable, options: ReadOptions): Promise<Buffer> {
  const { limit, signal, account, tooLarge, late, failed, pause } = options;
  return new Promise((resolve, reject) => {
    const closed = (): Error => failed(Object.assign(new Error('closed'), { code: 'CLOSED' }));
    let chunks: Buffer[] = [];
    let length = 0;
    let over = false;
    let pauseAt = pause?.beyond ?? Number.POSITIVE_INFINITY;
    const finish = (): void => {
      over = true;
      chunks = [];
      signal.removeEventListener('abort', onAbort);
    };
    // Created only when needed: every stream closes in the end, and creating an error costs as much as reading a body.
    const fail = (error: () => Error): void => {
      if (over) return;
      finish();
      reject(error());
    };
    // Reads what has arrived first: this process may be the slow side, and the body may already be complete.
    const onAbort = (): void => void turn().then(() => fail(late));
    // The listeners stay attached: without one, a later error of the stream would end the process.
    stream.on('data', (chunk: Buffer) => {
      if (over) return;
      length += chunk.length;
      if (length > limit) {
        fail(tooLarge);
        return;
      }
      try {
        account(chunk.length);
      } catch (error) {
        fail(() => error as Error);
        return;
      }
      chunks.push(chunk);
      if (pause === undefined || length <= pauseAt) return;
      pauseAt = length + pause.every;
      stream.pause();
      pause.until().then(
        () => stream.resume(),
        (error: unknown) => fail(() => error as Error),
      );
    });
    stream.on('end', () => {
      if (over) return;
      const whole = Buffer.concat(chunks, length);
      finish();
      resolve(whole);
    });
    stream.on('error', (error: NodeJS.ErrnoException) => fail(() => failed(error)));
    stream.on('close', () => fail(closed));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
