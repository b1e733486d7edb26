import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type Log = Logger;

/**
 * JSON lines on standard error, so that a `stdout` sink keeps standard output to itself. Nobody puts a payload or a
 * secret into a field; the `redact` list is the second lock, for configuration that slips in with an error.
 *
 * `level` is one of pino's. `stream` replaces standard error in tests and in a host application.
 */
export function createLog(level: string, stream?: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
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
    // Not synchronous: a pipe nobody reads would stop the event loop, and with it every answer. What does not fit into a
    // megabyte is dropped then. pino writes the rest out when the process ends.
    stream ?? destination({ fd: 2, sync: false, maxLength: 1024 * 1024 }),
  );
}
