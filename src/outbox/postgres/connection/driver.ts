import { TrackbridgeError } from '../../../core/errors.js';

/** Loads the driver, an optional peer dependency. Throws CONFIG_INVALID with the command that installs it. */
export async function loadDriver(): Promise<Pick<typeof import('pg'), 'Client'>> {
  try {
    return (await import('pg')).default;
  } catch (error) {
    const { code } = Object(error) as { code?: unknown };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    const problem = 'outbox: its driver is not installed; run "npm install pg"';
    throw new TrackbridgeError('CONFIG_INVALID', problem, { cause: error });
  }
}
