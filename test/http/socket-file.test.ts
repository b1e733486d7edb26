import { existsSync, mkdtempSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { clearSocketPath, openSocketFile } from '../../src/http/socket-file.js';
import { errorOf } from './requests.js';

describe('the path of a Unix socket', () => {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-'));
  const path = join(directory, 'own.sock');
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listenOn(at: string): Promise<Server> {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(at, resolve));
    return server;
  }

  it('may be missing', async () => {
    await clearSocketPath(path, 'server');
    expect(existsSync(path)).toBe(false);
  });

  it('loses the socket that a killed process left', async () => {
    // Node removes the path that it listened on, not the one that the socket has now.
    const elsewhere = join(directory, 'elsewhere.sock');
    const server = await listenOn(elsewhere);
    renameSync(elsewhere, path);
    await new Promise((resolve) => server.close(resolve));
    expect(existsSync(path)).toBe(true);
    await clearSocketPath(path, 'server');
    expect(existsSync(path)).toBe(false);
  });

  it('is refused while another process listens on it', async () => {
    await listenOn(path);
    expect(await errorOf(() => clearSocketPath(path, 'admin'))).toMatchObject({
      code: 'START_FAILED',
      message: `cannot listen on ${path}: another process listens on it; stop that process, or change admin.socket`,
    });
    openSocketFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  it('is refused if it is another file', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, 'kept');
    const error = await errorOf(() => clearSocketPath(file, 'server'));
    expect(error).toMatchObject({ code: 'START_FAILED' });
    expect(existsSync(file)).toBe(true);
  });
});
