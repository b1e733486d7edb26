import type { SinkType } from './sink.js';

/**
 * Every sink type by its name in the configuration; its options are in `schemas/sinks/<type>.schema.json`. Loaded when
 * configured: a driver nobody uses costs neither memory nor start-up time (undici alone is 7 MB).
 */
export const sinkTypes: ReadonlyMap<string, () => Promise<SinkType>> = new Map([
  ['stdout', async () => (await import('./stdout.js')).stdoutSink],
  ['file', async () => (await import('./file.js')).fileSink],
  ['http', async () => (await import('./http.js')).httpSink],
  ['module', async () => (await import('./module.js')).moduleSink],
]);
