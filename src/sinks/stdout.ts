import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { messageOf } from '../errors.js';
import { orInterrupted } from './interrupt.js';
import { printableJson } from './printable.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  SinkError,
  type SinkEvent,
  type SinkType,
} from './sink.js';
import { type Colors, prettyLine } from './stdout-pretty.js';

/** Where lines go: `process.stdout`, or any stream. */
export type Terminal = Writable & { readonly isTTY?: boolean };

export const stdoutSink: SinkType = {
  type: 'stdout',
  create: (options) =>
    createStdoutSink(options['format'] === 'json' ? 'json' : 'pretty', process.stdout),
};

/**
 * A line an event. `pretty` is for people, in colours where the stream is a terminal; `json` is the event's JSON text.
 * Neither lets a control character of an event through to the terminal.
 */
export function createStdoutSink(format: 'pretty' | 'json', stream: Terminal): Sink {
  const colors: Colors = pc.createColors(stream.isTTY === true && pc.isColorSupported);
  const lineOf = (event: SinkEvent): string =>
    format === 'json' ? printableJson(event.json) : prettyLine(event.event, colors);
  // A closed pipe reports EPIPE twice: to the write's callback, which fails the attempt, and as an `error` event, which
  // would end the process if nobody listened.
  const ignore = (): void => {};

  return {
    async open() {
      stream.off('error', ignore);
      stream.on('error', ignore);
    },
    async deliver(batch, signal): Promise<readonly DeliveryResult[]> {
      const text = batch.map((event) => `${lineOf(event)}\n`).join('');
      await orInterrupted(() => write(stream, text), signal);
      return batch.map(() => DELIVERED);
    },
    async check() {
      if (!stream.writable) throw unwritable('it is closed');
    },
    async close() {
      stream.off('error', ignore);
    },
  };
}

/** Resolves when the stream has taken the text, so that a slow reader slows its lane and fills no memory. */
function write(stream: Terminal, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) =>
      error ? reject(unwritable(messageOf(error), error)) : resolve(),
    );
  });
}

function unwritable(why: string, cause?: unknown): SinkError {
  return new SinkError(`the standard output cannot be written: ${why}`, { retryable: true, cause });
}
