import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a worker thread. `entry` is a module of this program, written as `new URL('./x.js', import.meta.url)`.
 *
 * When the program runs from its sources, as in tests, the entry is the `.ts` beside it. Node 20 reads no TypeScript, and
 * `--import tsx` has no effect on the entry of a worker there, so the entry is then a line that loads tsx first.
 */
export function startWorker(entry: URL, options: WorkerOptions = {}): Worker {
  if (!fromSources()) return new Worker(entry, options);
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const source = JSON.stringify(sourceOf(entry));
  const code = `import(${tsx}).then((tsx) => { tsx.register(); return import(${source}); })`;
  return new Worker(code, { ...options, eval: true, execArgv: [] });
}

/** Whether the program runs from its sources instead of the built files. */
export function fromSources(): boolean {
  return import.meta.url.endsWith('.ts');
}

/** The address of the source that a built module is made of. */
export function sourceOf(entry: URL): string {
  return entry.href.replace(/\.js$/, '.ts');
}
