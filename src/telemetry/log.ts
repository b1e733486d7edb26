import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Logger;

// DEL and C1 drive terminals, the line separators and bidirectional controls disguise lines. pino escapes C0 alone, and what
// a sender wrote can be in a line: an address in X-Forwarded-For.
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Where a log goes that is not given another stream. */
export type LogOutput = ReturnType<typeof destination>;

/**
 * Standard error, written to beside the event loop: a pipe nobody reads would stop it, and with it every answer. What
 * does not fit into a megabyte is dropped then. pino writes the rest out when the process ends.
 */
export function standardError(): LogOutput {
  return destination({ fd: 2, sync: false, maxLength: 1024 * 1024 });
}

/** Resolves once everything was written that is in `output` now, or the far side is gone. */
export function written(output: LogOutput): Promise<void> {
  return new Promise((resolve) => {
    output.once('drain', resolve);
    output.once('error', () => resolve());
    output.write('');
  });
}

/**
 * JSON lines on standard error, so that a `stdout` sink keeps standard output to itself. Nobody puts a payload or a
 * secret into a field; the `redact` list is the second lock, for configuration that slips in with an error.
 *
 * `level` is one of pino's. `stream` replaces standard error in tests and in a host application.
 */
export function createLog(level: string, stream?: DestinationStream): Log {
  const output = stream ?? standardError();
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      // In JSON they can only stand inside a string, where `\u` escapes mean the same.
      hooks: { streamWrite: (line) => line.replace(UNSAFE, escapeOf) },
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          'secret',
          'secrets',
          'token',
          'password',
          'authorization',
          '*.secret',
          '*.secrets',
          '*.token',
          '*.password',
        ],
        censor: '***',
      },
    },
    // Handed on without its `flushSync`, by which pino would wait after a fatal line until somebody reads the pipe.
    { write: (line) => output.write(line) },
  );
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
