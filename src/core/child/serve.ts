import { AsyncLocalStorage } from 'node:async_hooks';
import { writeFileSync } from 'node:fs';
import { messageOf } from '../errors.js';
import { startWorker } from '../worker.js';
import type { ChildArguments, FromChild, Mark, ToChild } from './messages.js';

interface CallContext {
  readonly id: number;
  /** Sends a part of the reply before the rest. */
  part(part: unknown): void;
  /** Runs work on behalf of one item of the call, so that an error which nobody catches is known to be the item's. */
  item<T>(item: number, work: () => T): T;
}

export type Handler = (request: unknown, context: CallContext) => unknown;

export interface ServeOptions {
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly onNote?: (note: unknown) => void;
}

/** Of all processes, the system ends this one first when it runs out of memory; 0 to 1000. */
const OOM_SCORE = '800';

/**
 * Makes this process a child that answers calls until its parent ends it or is gone. Call it once, before anything of the
 * operator's is loaded. Resolves to a function that tells the parent something unasked.
 */
export function serve({
  handlers,
  onNote = () => undefined,
}: ServeOptions): (note: unknown) => void {
  const running = new AsyncLocalStorage<Mark>();
  const toParent = process.send?.bind(process);
  // A library that finds it would take the parent for its own.
  delete (process as { send?: unknown }).send;
  let ending = false;

  const say = (message: FromChild, sent: () => void = () => undefined): void => {
    if (toParent !== undefined && process.connected) toParent(message, undefined, undefined, sent);
    else sent();
  };
  const fatal = (reason: string): void => {
    if (ending) return;
    ending = true;
    say(['fatal', reason, running.getStore() ?? null], () => process.exit(1));
  };

  // A signal to the whole group is for the parent, which drains and then ends this process.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => undefined);
  process.on('uncaughtException', (error) => {
    fatal(`did not catch an error: ${textOf(error)}`);
  });
  process.on('exit', (code) => fatal(`called process.exit(${code})`));
  process.on('disconnect', () => {
    ending = true;
    process.exit(0);
  });
  process.on('message', (message: ToChild) => {
    if (message[0] === 'ping') say(['pong', message[1]]);
    if (message[0] === 'note') onNote(message[1]);
    if (message[0] !== 'call') return;
    const [, id, kind, request] = message;
    const context: CallContext = {
      id,
      part: (part) => say(['part', id, part]),
      item: (item, work) => running.run({ call: id, item }, work),
    };
    void running.run({ call: id }, async () => {
      try {
        say(['reply', id, await handlers[kind]?.(request, context)]);
      } catch (error) {
        say(['failed', id, textOf(error)]);
      }
    });
  });
  watch(argumentsOf(process.argv));
  return (note) => say(['note', note]);
}

function argumentsOf(argv: readonly string[]): ChildArguments {
  const [parent = 0, residentMb = 0] = argv.slice(2).map(Number);
  return { parent, residentMb };
}

/** Sees to it that this process ends with its parent and keeps to its memory, also while its own event loop is blocked. */
function watch(workerData: ChildArguments): void {
  const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };
  startWorker(new URL('./watchdog.js', import.meta.url), { workerData, resourceLimits }).unref();
  try {
    writeFileSync('/proc/self/oom_score_adj', OOM_SCORE);
  } catch {
    // Only Linux has it.
  }
}

/** The operator's code may throw anything, also what has no text. */
function textOf(error: unknown): string {
  try {
    return messageOf(error);
  } catch {
    return 'an error without a text';
  }
}
