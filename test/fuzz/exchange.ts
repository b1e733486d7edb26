import { connect } from 'node:net';
import type { Input } from './inputs.js';

/** All that came back for one input. */
export interface Exchange {
  readonly answer: Buffer;
  /** Milliseconds from the last byte of the input to the end of the connection. */
  readonly took: number;
  /** The connection ended by a reset, which may have eaten the end of the answer. */
  readonly reset: boolean;
  readonly refused: boolean;
}

const FINAL = /HTTP\/1\.1 [2-5]\d\d[\s\S]*?\r\n\r\n/;

/**
 * One input on a connection of its own. The sender's half is shut behind it, so that whatever it left unfinished ends at
 * once; a withheld one stays open until it is answered. Never rejects.
 */
export function exchange(port: number, input: Input, givenUpAfter: number): Promise<Exchange> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let sentAt = performance.now();
    let reset = false;
    let refused = false;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setTimeout(givenUpAfter, () => socket.destroy());
    socket.on('connect', () => {
      const sent = (): void => {
        sentAt = performance.now();
      };
      if (input.withheld) socket.write(input.bytes, sent);
      else socket.end(input.bytes, sent);
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (input.withheld && FINAL.test(Buffer.concat(chunks).toString('latin1'))) socket.end();
    });
    socket.on('end', () => socket.end());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reset = true;
      refused = error.code === 'ECONNREFUSED';
    });
    socket.on('close', () => {
      resolve({ answer: Buffer.concat(chunks), took: performance.now() - sentAt, reset, refused });
    });
  });
}
