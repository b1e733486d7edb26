import { TrackbridgeError } from '../../core/errors.js';

/**
 * Loads the driver of a sink. Drivers are optional peer dependencies, installed only by those who configure the sink.
 * `packages` are the arguments for `npm install`. Throws CONFIG_INVALID with that command if one is missing.
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

/** Whether the driver itself is missing, as opposed to a module that a broken driver imports. */
function isMissing(error: unknown, packages: readonly string[]): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return packages.some((name) => String(message).includes(`'${name.replace(/(?<=.)@.*$/, '')}'`));
}
