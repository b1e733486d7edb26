import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileShim } from './compile.js';

/** A wall clock that can be set while processes run that look at it. */
export interface JumpingClock {
  /** The environment for a process that is to have this clock. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it to so many milliseconds ahead of the real one, or behind it where negative; in force at once. */
  set(milliseconds: number): Promise<void>;
}

/** A clock that is right until it is set. Rejects where there is no C compiler. */
export async function compileJumpingClock(): Promise<JumpingClock> {
  const { library, directory } = await compileShim('jumping-clock');
  const file = join(directory, 'clock-offset');
  await writeFile(file, Buffer.alloc(8));
  return {
    env: { LD_PRELOAD: library, JUMPING_CLOCK: file },
    async set(milliseconds) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(Math.round(milliseconds)));
      // Over what is there: processes have this file mapped, and one that is cut short first would kill them.
      const handle = await open(file, 'r+');
      await handle.write(bytes, 0, bytes.length, 0);
      await handle.close();
    },
  };
}
