import { fileSink } from './file.js';
import { httpSink } from './http.js';
import { moduleSink } from './module.js';
import type { SinkType } from './sink.js';
import { stdoutSink } from './stdout.js';

/** Every sink type by its name in the configuration; its options are in `schemas/sinks/<type>.schema.json`. */
export const sinkTypes: ReadonlyMap<string, SinkType> = new Map([
  [stdoutSink.type, stdoutSink],
  [fileSink.type, fileSink],
  [httpSink.type, httpSink],
  [moduleSink.type, moduleSink],
]);
