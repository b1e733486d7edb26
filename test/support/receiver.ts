import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** The built program as a process of its own, in a working directory of its own. */
export interface Receiver {
  readonly url: string;
  readonly adminUrl: string;
  readonly directory: string;
  readonly child: ChildProcess;
  /** What it wrote so far: JSON log lines on standard error. */
  stderr(): string;
  stdout(): string;
  /** Ends it by this signal and resolves to its exit code (null where the signal ended it). */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The line of the log that ends a start; of a process that only dispatches, the second. */
const STARTED = /"msg":"(?:listening|delivering)"\}$/;

export interface ReceiverOptions {
  /** The configuration file's content; left out, there is none. `server.port` and `admin.port` should be 0. */
  readonly config?: object;
  /** A directory of an earlier run, to start again on its data. */
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** The program ended instead of listening. */
export class NotStarted extends Error {
  override readonly name = 'NotStarted';
  /** Its exit code; null where a signal ended it. */
  readonly code: number | null;
  /** What it said on standard error. */
  readonly said: string;

  constructor(code: number | null, said: string) {
    super(`exit ${code}: ${said}`);
    this.code = code;
    this.said = said;
  }
}

export async function makeDirectory(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'trackbridge-'));
}

/** Starts the program and resolves when it listens; rejects with NotStarted where it ends instead. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const directory = options.directory ?? (await makeDirectory());
  const args = ['serve', ...(options.args ?? [])];
  if (options.config !== undefined) {
    await writeFile(join(directory, 'trackbridge.json'), JSON.stringify(options.config));
    args.push('--config', 'trackbridge.json');
  }
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const listening = new Promise<{ port: number; adminPort?: number }>((resolve, reject) => {
    let isListening = false;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
      // Looked for only until it is there: a receiver under load says a great deal.
      const line = isListening ? undefined : err.split('\n').find((each) => STARTED.test(each));
      if (line === undefined) return;
      isListening = true;
      resolve(JSON.parse(line));
    });
    // Closed, not only gone: what it said last is still on the way at its exit.
    child.once('close', (code) => reject(new NotStarted(code, err)));
  });
  const { port, adminPort } = await listening;
  return {
    url: `http://127.0.0.1:${port}`,
    adminUrl: `http://127.0.0.1:${adminPort ?? 0}`,
    directory,
    child,
    stderr: () => err,
    stdout: () => out,
    async end(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill(signal);
      const [code] = (await exit) as [number | null];
      return code;
    },
  };
}

/** A command of the program that runs until somebody ends it. */
export interface RunningCommand {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Its exit code, once its output is complete; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts a command of the program. */
export function startCommand(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): RunningCommand {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Runs a command of the program to its end. */
export async function runCommand(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const { ended, stderr, stdout } = startCommand(args, options);
  const code = await ended;
  return { code, stdout: stdout(), stderr: stderr() };
}

/** The lines of a text that another process is writing. What stands behind the last end of a line is none yet. */
export function wholeLines(text: string): string[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '');
}

/** The whole lines of a file so far; `[]` where there is no file yet. */
export async function readLines(file: string): Promise<string[]> {
  return wholeLines(await readFile(file, 'utf8').catch(() => ''));
}

/** The events of a `file` sink so far; `[]` where there is no file yet. Every line must be a whole JSON object. */
export async function readEvents(file: string): Promise<Record<string, unknown>[]> {
  return (await readLines(file)).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Asks again until the answer is what is waited for; fails after a minute with the last answer. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  isIt: (answer: T) => boolean,
  within = 60_000,
): Promise<T> {
  const until = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    if (performance.now() > until) {
      throw new Error(`still not after ${within} ms: ${JSON.stringify(answer)?.slice(0, 1000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
