import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Child } from '../../core/child/child.js';
import type { Clock } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import type { DispatchLog } from '../ports.js';
import { ProcessRunner, type TransformRunner } from './runner.js';

export interface LoadOptions {
  /** The sink's name. */
  readonly sink: string;
  /** The most milliseconds that one event may take. */
  readonly timeout: number;
  readonly clock: Clock;
  readonly log: DispatchLog;
}

/**
 * Loads the `transform` function that an ES module exports, in a process of its own, which runs until `close`. `path`
 * is relative to the working directory. Throws CONFIG_INVALID if the file cannot be read or loaded, or exports no such
 * function.
 */
export async function loadTransform(path: string, options: LoadOptions): Promise<TransformRunner> {
  const { clock, log, sink, timeout } = options;
  const file = resolve(path);
  const problem = (what: string, cause?: unknown): TrackbridgeError =>
    new TrackbridgeError('CONFIG_INVALID', `sinks.${sink}.transform: ${what}`, { cause });

  // Checked first, since "module not found" may also refer to a module that the transform itself imports.
  await access(file).catch((error: unknown) => {
    throw problem(`there is no readable file ${path}; set the path of an ES module`, error);
  });
  const entry = new URL('./child.js', import.meta.url);
  // Standard error of the operator's code.
  const onLine = (line: string): void => log.warn({ sink, line }, 'the transform wrote a line');
  const runner = new ProcessRunner({
    sink,
    log,
    clock,
    timeout,
    load: { path: file, timeout },
    startChild: () => new Child({ entry, clock, onLine }),
  });
  const wrong = await runner.start();
  if (wrong === undefined) return runner;
  await runner.close();
  throw problem(`${path} ${wrong}`);
}
