import { readFile, writeFile } from 'node:fs/promises';
import type { Failure } from './campaign.js';
import type { Input } from './inputs.js';

interface Saved {
  readonly seed: number;
  readonly index: number;
  readonly withheld: boolean;
  readonly fault: string;
  readonly base64: string;
}

/** Writes a failing input where `readReplay` finds it. Resolves to the file's name. */
export async function saveReplay(seed: number, { input, fault }: Failure): Promise<string> {
  const { index, withheld, bytes } = input;
  const saved: Saved = { seed, index, withheld, fault, base64: bytes.toString('base64') };
  const file = `fuzz-${seed}-${index}.json`;
  await writeFile(file, `${JSON.stringify(saved, null, 2)}\n`);
  return file;
}

export async function readReplay(file: string): Promise<Input> {
  const { index, withheld, base64 } = JSON.parse(await readFile(file, 'utf8')) as Saved;
  return { index, withheld, bytes: Buffer.from(base64, 'base64') };
}
