import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { page, ROOT } from '../support/manual.js';
import { fence } from '../support/markdown.js';
import { makeDirectory } from '../support/receiver.js';

const PATH = process.env['PATH'] ?? '';
const hasShell = ['bash', 'curl', 'wc'].every((tool) =>
  PATH.split(delimiter).some((directory) => existsSync(join(directory, tool))),
);

let cwd: string;
beforeEach(async () => {
  cwd = await makeDirectory();
});
afterEach(async () => {
  await rm(cwd, { recursive: true, force: true });
});

/** A port that nobody listens on, below those that systems give out by themselves: so nobody gets it meanwhile. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Runs a script as a build server would, and ends whatever it leaves behind. */
async function runScript(script: string): Promise<{ code: number | null; said: string }> {
  const child = spawn('bash', ['-c', script], {
    cwd,
    env: { PATH },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  try {
    process.kill(-Number(child.pid), 'SIGKILL');
  } catch {
    // Nothing was left.
  }
  return { code, said };
}

describe.runIf(hasShell)('the manual’s script for CI', { timeout: 120_000 }, () => {
  const script = async (): Promise<string> =>
    fence(page('testing.md'), 'sh', 'ci')
      .replaceAll('8080', String(await freePort()))
      .replaceAll(
        /npx trackbridge|node dist\/cli\.js/g,
        `'${process.execPath}' '${ROOT}dist/cli.js'`,
      );

  it('succeeds with a receiver that does what it should', async () => {
    expect(await runScript(await script())).toEqual({ code: 0, said: '' });
  });

  it('fails with one that does not', async () => {
    const wrong = (await script()).replace('--count 28', '--count 27');
    expect((await runScript(wrong)).code).toBe(1);
    const refusing = (await script()).replace(
      '--as segment --type',
      '--as segment --secret x --type',
    );
    const { code, said } = await runScript(refusing);
    expect(code).toBe(1);
    expect(said).toContain('--expect failed');
  });
});
