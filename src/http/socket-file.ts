import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { TrackbridgeError } from '../core/errors.js';

/** Read and write for the user and the group, because connecting requires write permission. */
const MODE = 0o660;

/**
 * Prepares a path for a Unix socket: removes the socket that a killed process left. Rejects with START_FAILED if a
 * process listens on it, or if the path is anything but a socket. `section` names the part of the configuration.
 */
export async function clearSocketPath(path: string, section: string): Promise<void> {
  const failed = (why: string, cause?: unknown): TrackbridgeError =>
    new TrackbridgeError('START_FAILED', `cannot listen on ${path}: ${why}`, { cause });
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw failed(`it exists and is not a socket; change ${section}.socket`);
  const fault = await connectTo(path);
  if (fault === undefined) {
    throw failed(`another process listens on it; stop that process, or change ${section}.socket`);
  }
  // Only a refusal proves that no process listens. Another receiver cannot start meanwhile: the store is locked.
  if (fault.code === 'ENOENT') return;
  if (fault.code !== 'ECONNREFUSED') {
    throw failed(`it may be in use (${fault.code}); remove it, or change ${section}.socket`, fault);
  }
  unlinkSync(path);
}

/** Lets the user and the group of this process connect. */
export function openSocketFile(path: string): void {
  chmodSync(path, MODE);
}

/** Resolves to why nothing listens on a Unix socket; undefined if a process does. */
function connectTo(path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', resolve);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}
