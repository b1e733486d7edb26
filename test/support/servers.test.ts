import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { requireServer } from './servers.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('finds a server that listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  expect(await requireServer('it', (server.address() as AddressInfo).port)).toBe(true);
  server.close();
});

it('says aloud that tests are left out for want of a server, and fails in CI', async () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  vi.stubEnv('CI', '');
  expect(await requireServer('it', 1)).toBe(false);
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('it does not listen'));
  vi.stubEnv('CI', 'true');
  await expect(requireServer('it', 1)).rejects.toThrow('start it');
});
