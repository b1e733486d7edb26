import { readFile } from 'node:fs/promises';
import type { Receiver } from './receiver.js';

/** The process ids of a receiver's workers. Only Linux tells them. */
export async function workersOf({ child }: Pick<Receiver, 'child'>): Promise<number[]> {
  const path = `/proc/${child.pid}/task/${child.pid}/children`;
  const text = await readFile(path, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}
