import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CORES } from '../machine/cores.js';

/** How long a server may take to end after SIGTERM, in milliseconds. */
const PATIENCE = 20_000;

/** A server in a process of its own. */
export interface RunningServer {
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  /** Milliseconds from its start until it listened. */
  readonly startedIn: number;
  /** Ends it and deletes its directory, unless that belongs to the caller. */
  stop(): Promise<void>;
}

export interface SpawnOptions {
  readonly command: readonly string[];
  /** Matches what the server prints once it listens; the first group is the port. */
  readonly listening: RegExp;
  /** The working directory. */
  readonly directory: string;
  /** Keeps the directory. */
  readonly keep?: boolean;
  /** The cores that it may use; default, the servers' own. */
  readonly cores?: string;
}

/** A directory for one server. */
export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'trackbridge-bench-'));
}

/** Starts a server and resolves when it listens. */
export async function spawnServer(options: SpawnOptions): Promise<RunningServer> {
  const { command, cores = CORES.one, directory } = options;
  const began = performance.now();
  const child = spawn('taskset', ['-c', cores, ...command], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    let output = '';
    let listens = false;
    const read = (text: Buffer): void => {
      // After that the output is read only so that the server can write it.
      if (listens) return;
      output += text.toString();
      const found = options.listening.exec(output)?.[1];
      listens = found !== undefined;
      if (listens) resolve(Number(found));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${output.slice(-2_000)}`)));
  });
  return {
    port,
    pid: child.pid ?? 0,
    directory,
    startedIn: performance.now() - began,
    async stop() {
      const isOver = child.exitCode !== null || child.signalCode !== null;
      const exit = isOver ? Promise.resolve() : once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
      await exit;
      clearTimeout(timer);
      if (options.keep !== true) rmSync(directory, { recursive: true, force: true });
    },
  };
}
