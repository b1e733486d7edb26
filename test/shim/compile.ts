import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Whether shims can work here: they are preloaded by the dynamic linker of Linux. */
export const shimsWork = process.platform === 'linux';

/** A shim that was built, in a folder of its own, which goes when this process ends. */
export interface Shim {
  readonly library: string;
  readonly directory: string;
}

/** Builds `NAME.c` of this folder with the system's C compiler. Rejects where there is none. */
export async function compileShim(name: string): Promise<Shim> {
  const directory = await mkdtemp(join(tmpdir(), 'trackbridge-shim-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const library = join(directory, `${name}.so`);
  const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url));
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  return { library, directory };
}
