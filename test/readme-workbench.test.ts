import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliveryLine } from '../src/commands/tail-line.js';
import { summaryOf } from './support/fake-admin.js';
import { codeIn, fence, fencesOf, section, tableOf } from './support/markdown.js';
import { makeDirectory, runCommand } from './support/receiver.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
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

describe.runIf(hasShell)('the README’s script for CI', { timeout: 120_000 }, () => {
  const script = async (): Promise<string> =>
    fence(README, 'sh', 'ci')
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
    expect(said).toContain('--expect is not met');
  });
});

describe('the README on tunnels', () => {
  const text = section(README, 'Reaching a laptop from the vendors');

  it('leads every tunnel to the port that the receiver listens on, and none to the inspector', () => {
    const commands = fencesOf(text).filter(({ use }) => use === 'tunnel');
    const ports = commands
      .filter(({ language }) => language === 'sh')
      .map((each) => /(?:127\.0\.0\.1:| )(\d{4,5})\b/.exec(each.text)?.[1]);
    expect(ports).toEqual(['8080', '8080', '8080']);
  });

  it('has a configuration that is valid', async () => {
    await writeFile(join(cwd, 'tunnel.yaml'), fence(README, 'yaml', 'tunnel'));
    expect((await runCommand(['check', '--config', 'tunnel.yaml'], { cwd })).code).toBe(0);
  });

  // rudder-integrations-config, src/configurations/destinations/webhook/schema.json (2026-04-01): what the form takes.
  const FORM =
    /^(https?:\/\/)(?![a-zA-Z0-9-]*\.ngrok\.io)(?!localhost|.*\.localhost)([a-zA-Z0-9-]{1,63}\.)+[a-zA-Z]{2,}(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5]\d{4}|[1-9]\d{1,3}))?(\/.*)?$/;

  it.each([
    ['https://hooks.example.com/rudderstack', true],
    ['https://some-words-here.trycloudflare.com/rudderstack', true],
    ['https://laptop.tail1234.ts.net/rudderstack', true],
    ['https://name.ngrok-free.dev/rudderstack', true],
    ['https://name.ngrok.app/rudderstack', true],
    ['https://name.ngrok.io/rudderstack', false],
    ['http://localhost:8080/rudderstack', false],
    ['http://127.0.0.1:8080/rudderstack', false],
    ['https://my_laptop.example.com/rudderstack', false],
  ])('says of %s what RudderStack’s form does', (url, taken) => {
    expect(FORM.test(url)).toBe(taken);
  });
});

describe('the README on what is shown', () => {
  it('prints lines as the program does', () => {
    const lines = fencesOf(section(README, 'Seeing what arrives'))
      .filter(({ language }) => language === 'text')
      .flatMap(({ text }) => text.trim().split('\n'));
    const { first, verifiedBy, ...unread } = summaryOf('m', {
      at: '2026-01-02T07:21:52.803Z',
      source: 'rudderstack',
      ...{ status: 401, outcome: 'unauthenticated', verified: false, accepted: 0, count: 0 },
      ...{ path: '/rudderstack', reason: 'no x-signature header', ms: 1 },
    });
    const shop = { type: 'track', event: 'Order Completed', user: 'user-1' };
    const accepted = summaryOf('m', { at: '2026-01-02T07:21:40.119Z', first: shop, ms: 4 });
    const plain = pc.createColors(false);
    expect(lines).toEqual([accepted, unread].map((each) => deliveryLine(each, plain, 11)));
  });

  it.each(['dev', 'tail'])('names every option of %s', async (command) => {
    const heading = command === 'dev' ? 'Seeing what arrives' : 'Watching deliveries';
    const named = tableOf(section(README, heading))
      .flatMap(([option = '']) => codeIn(option))
      .map((code) => String(code.split(' ')[0]));
    const { stdout } = await runCommand([command, '--help'], { cwd });
    const known = [...stdout.matchAll(/^ {2}(--[a-z]+)/gm)].map((match) => String(match[1]));
    const common = command === 'tail' ? ['--config', '--admin', '--token'] : [];
    expect([...named, ...common].sort()).toEqual(known.sort());
  });
});
