import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Logger;

// DEL and C1 control terminals; line separators and bidirectional controls disguise lines. pino escapes only C0, and a
// line can contain text from a sender, such as an address in X-Forwarded-For.
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The default destination of the log. */
export type LogOutput = ReturnType<typeof destination>;

/**
 * Standard error, written asynchronously: a synchronous write to a pipe that nobody reads would block the event loop,
 * and with it every answer. Lines beyond a backlog of one megabyte are dropped. pino flushes the rest when the process
 * ends.
 */
export function standardError(): LogOutput {
  return destination({ fd: 2, sync: false, maxLength: 1024 * 1024 });
}

/** Resolves once everything now in `output` is written, or the reader is gone. */
export function written(output: LogOutput): Promise<void> {
  return new Promise((resolve) => {
    output.once('drain', resolve);
    output.once('error', () => resolve());
    output.write('');
  });
}

/**
 * Logs JSON lines to standard error, so that a `stdout` sink has standard output to itself. The code never logs
 * payloads or secrets; the `redact` list is a second safeguard, for configuration that an error carries along.
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
      // In JSON these characters can only be inside a string, where `\u` escapes are equivalent.
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
    // Passed without `flushSync`: otherwise pino would block after a fatal line until somebody reads the pipe.
    { write: (line) => output.write(line) },
  );
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
