import { TrackbridgeError } from './errors.js';

/**
 * Loads an optional peer dependency, such as the driver of a sink, which is installed only by those who configure `owner`.
 * `packages` are the arguments for `npm install`. Throws CONFIG_INVALID with that command if one is missing.
 */
export async function loadDriver<T>(
  packages: string,
  load: () => Promise<T>,
  owner: string,
  what = 'its driver',
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, packages.split(' '))) throw error;
    const problem = `${what} is not installed; run "npm install ${packages}"`;
    throw new TrackbridgeError('CONFIG_INVALID', `${owner}: ${problem}`, { cause: error });
  }
}

/** Whether the driver itself is missing, as opposed to a module that a broken driver imports. */
function isMissing(error: unknown, packages: readonly string[]): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return packages.some((name) => String(message).includes(`'${name.replace(/(?<=.)@.*$/, '')}'`));
}
