import { connect } from 'node:net';

/**
 * Whether a server that tests need listens on its standard port of the loopback. In CI its absence is an error; elsewhere it
 * is said aloud, and the caller skips its tests (`describe.skipIf`), so that they are counted as skipped.
 */
export async function requireServer(name: string, port: number): Promise<boolean> {
  const there = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
  if (there) return true;
  const problem = `${name} does not listen on 127.0.0.1:${port}`;
  if (process.env['CI']) throw new Error(`${problem}; start it, or run .ci/services.sh`);
  // biome-ignore lint/suspicious/noConsole: the one who runs the tests is told
  console.warn(`SKIPPED: ${problem}; its tests are left out`);
  return false;
}
