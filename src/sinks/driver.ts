import { TrackbridgeError } from '../errors.js';

/**
 * Loads the driver of a sink, which is an optional peer dependency: who does not configure the sink does not install it.
 * `packages` are what `npm install` has to be given. Throws CONFIG_INVALID that names that line where one is missing.
 */
export async function loadDriver<T>(
  packages: string,
  load: () => Promise<T>,
  sink: string,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, packages.split(' '))) throw error;
    const problem = `its driver is not installed; run "npm install ${packages}"`;
    throw new TrackbridgeError('CONFIG_INVALID', `${sink}: ${problem}`, { cause: error });
  }
}

/** Whether it is the driver itself that is missing, and not something that a broken driver looks for. */
function isMissing(error: unknown, packages: readonly string[]): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return packages.some((name) => String(message).includes(`'${name.replace(/(?<=.)@.*$/, '')}'`));
}
