import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { messageOf } from '../../core/errors.js';
import { printableJson } from '../../core/printable.js';
import { orInterrupted } from '../kit/interrupt.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  SinkError,
  type SinkEvent,
  type SinkType,
} from '../sink.js';
import { type Colors, prettyLine } from './pretty.js';

/** Where lines go: `process.stdout`, or any stream. */
export type Terminal = Writable & { readonly isTTY?: boolean };

export const stdoutSink: SinkType<'stdout'> = {
  type: 'stdout',
  create: (options) => createStdoutSink(options.format, process.stdout),
};

/**
 * Writes one line per event. `pretty` is for people, in color if the stream is a terminal; `json` is the event's JSON
 * text. Neither passes an event's control characters to the terminal.
 */
export function createStdoutSink(format: 'pretty' | 'json', stream: Terminal): Sink {
  const colors: Colors = pc.createColors(stream.isTTY === true && pc.isColorSupported);
  const lineOf = (event: SinkEvent): string =>
    format === 'json' ? printableJson(event.json) : prettyLine(event.event, colors);
  // A closed pipe reports EPIPE twice: to the write's callback, which fails the attempt, and as an `error` event, which
  // would end the process without a listener.
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

/** Resolves when the stream has accepted the text, so that a slow reader slows its lane and fills no memory. */
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
