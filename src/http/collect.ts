import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';

export interface CollectOptions {
  /** Bytes. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Told of the bytes of each chunk before it is kept; what it throws ends the collecting. */
  readonly account: (bytes: number) => void;
  readonly tooLarge: () => Error;
  readonly late: () => Error;
  readonly failed: (error: NodeJS.ErrnoException) => Error;
}

/**
 * All bytes of a stream. Rejects with what the options say, and then keeps nothing of what came or still comes: raw-body
 * would go on collecting a body that was given up, as memory that nothing limits.
 */
export function collect(stream: Readable, options: CollectOptions): Promise<Buffer> {
  const { limit, signal, account, tooLarge, late, failed } = options;
  return new Promise((resolve, reject) => {
    const closed = (): Error => failed(Object.assign(new Error('closed'), { code: 'CLOSED' }));
    let chunks: Buffer[] = [];
    let length = 0;
    let over = false;
    const finish = (): void => {
      over = true;
      chunks = [];
      signal.removeEventListener('abort', onAbort);
    };
    // Made only when needed: every stream closes in the end, and an error costs as much as reading a body.
    const fail = (error: () => Error): void => {
      if (over) return;
      finish();
      reject(error());
    };
    const onAbort = (): void => fail(late);
    // The listeners stay: without one, a later error of the stream would end the process.
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
