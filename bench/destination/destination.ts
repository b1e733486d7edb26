import { createReadStream, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CORES } from '../machine/cores.js';
import { makeDirectory, type RunningServer, spawnServer } from '../servers/server.js';

/** Starts the counting server. */
export function startDestination(): Promise<RunningServer> {
  const program = fileURLToPath(new URL('program.ts', import.meta.url));
  return spawnServer({
    command: [process.execPath, '--import', import.meta.resolve('tsx'), program],
    listening: /listening (\d+)/,
    directory: makeDirectory(),
    cores: CORES.all,
  });
}

/** The number of events that the counting server has received. */
export async function countReceived(port: number): Promise<number> {
  return Number(await (await fetch(`http://127.0.0.1:${port}/`)).text());
}

/** The number of lines in a file; 0 if there is no file yet. */
export async function countLines(file: string): Promise<number> {
  if (!existsSync(file)) return 0;
  let lines = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) {
    const bytes = chunk as Buffer;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
  }
  return lines;
}
