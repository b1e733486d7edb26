import { fileURLToPath } from 'node:url';
import { makeDirectory, type RunningServer, spawnServer } from './server.js';

const LOADER = import.meta.resolve('tsx');

/** Starts a server of `programs`, with its store in a new directory. */
async function startProgram(
  name: string,
  settings: readonly string[] = [],
): Promise<RunningServer> {
  const program = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  return await spawnServer({
    command: [process.execPath, '--import', LOADER, program, ...settings],
    listening: /listening (\d+)/,
    directory: makeDirectory(),
  });
}

export interface BareOptions {
  readonly unsigned?: boolean;
  /** The number of files to which it also appends every event. */
  readonly files?: number;
}

export function startBare({
  files = 0,
  unsigned = false,
}: BareOptions = {}): Promise<RunningServer> {
  return startProgram('bare', [String(files), unsigned ? 'unsigned' : 'signed']);
}

export function startExpress(): Promise<RunningServer> {
  return startProgram('express');
}

export function startFastify(): Promise<RunningServer> {
  return startProgram('fastify');
}
