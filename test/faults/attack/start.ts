import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RowContext } from '../row.js';
import type { AttackName } from './bodies.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** An attack under way. */
export interface RunningAttack {
  /** Ends it; resolves when no attacker is left. */
  stop(): Promise<void>;
}

/** Starts an attack against a receiver; the row ends it at the latest. */
export function startAttack(
  { after }: Pick<RowContext, 'after'>,
  url: string,
  name: AttackName,
): RunningAttack {
  const child = fork(CHILD, [new URL(url).port, name], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  after(stop);
  return { stop };
}
