import { statSync } from 'node:fs';
import { walPath } from './place.js';

/** Returns the bytes of a store and its -wal on the disk; 0 if there is none. */
export function storeBytes(path: string): number {
  const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return sizeOf(path) + sizeOf(walPath(path));
}
