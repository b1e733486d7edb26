import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Command } from './children/outbox-process.js';

export interface OutboxChild {
  readonly process: ChildProcess;
  /** Resolves to the result, rejects with an error that has the code as its name. */
  ask(command: Omit<Command, 'id'>): Promise<unknown>;
  /** Ends it without a word, and waits until it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts an outbox on `path` in a process of its own; rejects where it does not open. With `mergeSeenAt` its store runs
 * on the event loop, where that can be set.
 */
export async function startOutboxChild(
  path: string,
  env: Readonly<Record<string, string>> = {},
  mergeSeenAt?: number,
): Promise<OutboxChild> {
  const script = fileURLToPath(new URL('./children/outbox-process.ts', import.meta.url));
  const child = fork(script, [path, ...(mergeSeenAt === undefined ? [] : [String(mergeSeenAt)])], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const answerTo = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.set(id, ({ result, error }) => {
        if (error === undefined) return resolve(result);
        reject(Object.assign(new Error(error.message), { name: error.code }));
      });
    });
  const gone = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  try {
    await Promise.race([
      answerTo(0),
      gone.then(() => Promise.reject(new Error('the child ended before it was open'))),
    ]);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    process: child,
    ask: (command) => {
      lastId += 1;
      const answer = answerTo(lastId);
      // Without a callback Node throws what goes wrong here as an event of the child: EPIPE where it was just killed.
      child.send({ ...command, id: lastId }, () => undefined);
      return answer;
    },
    kill,
  };
}
