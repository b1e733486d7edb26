import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  eventually,
  makeDirectory,
  type RunningCommand,
  readEvents,
  runCommand,
  startCommand,
  wholeLines,
} from '../support/receiver.js';
import { deliverSegment, trackText } from '../support/sender.js';

const PATH = process.env['PATH'] ?? '';
const hasShell = ['bash', 'curl'].every((tool) =>
  PATH.split(delimiter).some((directory) => existsSync(join(directory, tool))),
);

let cwd: string;
let running: RunningCommand | undefined;
beforeEach(async () => {
  cwd = await makeDirectory();
});
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
  running = undefined;
  await rm(cwd, { recursive: true, force: true });
});

/** Starts it and waits for what it says once it listens. */
async function dev(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningCommand> {
  running = startCommand(['dev', '--port', '0', ...args], { cwd, env });
  const { child, stderr } = running;
  await eventually(
    () => stderr(),
    (text) => text.includes('receives deliveries at') || child.exitCode !== null,
    30_000,
  );
  return running;
}

const found = (text: string, pattern: RegExp): string => {
  const match = pattern.exec(text)?.[1];
  if (match === undefined) throw new Error(`no ${pattern} in: ${text}`);
  return match;
};
const receiverOf = (text: string): string => found(text, /receives deliveries at (http:\S+)/);
const pageOf = (text: string): URL => new URL(found(text, /Inspector +(http:\S+)/));

async function shell(script: string): Promise<string> {
  const child = spawn('bash', ['-c', script], {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  await once(child, 'close');
  return out;
}

describe('dev, without any configuration', () => {
  it.runIf(hasShell)('takes the deliveries that it prints, and shows a line for each', async () => {
    const { ended, child, stderr, stdout } = await dev();
    const curls = wholeLines(stderr()).filter((line) => line.startsWith('  curl '));
    expect(curls).toHaveLength(2);
    // Until its own stream is open, nothing would be shown.
    await eventually(
      async () => {
        await shell(curls[0]?.replace(/dev-segment/, `dev-${Math.random()}`) ?? '');
        return stdout();
      },
      (text) => text.includes('not verified'),
    );
    for (const curl of curls) {
      expect(JSON.parse(await shell(curl))).toMatchObject({ accepted: 1 });
    }
    const accepted = await eventually(
      () => wholeLines(stdout()).filter((line) => line.includes('200 accepted')),
      (lines) => lines.length >= 2,
    );
    expect(accepted[0]).toMatch(
      /^[\d:.]{12} {2}segment {6}POST +200 accepted {2}track Order Completed {2}user user-1 {2}verified {2}\d+ ms$/,
    );
    expect(accepted[1]).toContain('  rudderstack  POST');
    // The terminal sink of the defaults gets nothing: each delivery is one line.
    expect(wholeLines(stdout()).filter((line) => line.includes('200'))).toHaveLength(2);
    const events = await eventually(
      () => readEvents(join(cwd, 'data/events.ndjson')),
      (all) => all.length >= 2,
    );
    expect(events).toHaveLength(2);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(stderr()).not.toContain('is gone');
  });

  it('lets in who has the address it prints, and nobody else', async () => {
    const { stderr } = await dev();
    const page = pageOf(stderr());
    expect(page.hostname).toBe('127.0.0.1');
    const token = page.hash.replace('#token=', '');
    const api = new URL('/api/deliveries', page);
    const answers = await Promise.all([
      fetch(api, { headers: { authorization: `Bearer ${token}` } }),
      fetch(api),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 401]);
    expect(answers[0]?.headers.get('x-recording')).toBe('on');
    expect((await fetch(page)).status).toBe(200);
  });

  it('shares its data with serve, and takes another port where the inspector’s is taken', async () => {
    const other = createServer();
    // Where somebody else has it already, so much the better.
    await new Promise<void>((resolve) => {
      other.once('error', () => resolve());
      other.listen(8081, '127.0.0.1', resolve);
    });
    try {
      const first = await dev();
      expect(pageOf(first.stderr()).port).not.toBe('8081');
      const secret = found(first.stderr(), /Shared Secret +(\S+)/);
      const kept = JSON.parse(await readFile(join(cwd, 'data/secrets.json'), 'utf8')) as object;
      expect(kept).toMatchObject({ segment: secret });
      const url = `${receiverOf(first.stderr())}/segment`;
      expect((await deliverSegment(url, trackText('m-1'), secret)).status).toBe(200);
      first.child.kill('SIGTERM');
      expect(await first.ended).toBe(0);
      const again = await dev();
      expect(found(again.stderr(), /Shared Secret +(\S+)/)).toBe(secret);
      const answer = await deliverSegment(
        `${receiverOf(again.stderr())}/segment`,
        trackText('m-1'),
        secret,
      );
      expect(await answer.json()).toMatchObject({ duplicates: 1 });
    } finally {
      other.close();
    }
  });
});

describe('dev, with a configuration', () => {
  const write = async (config: object): Promise<string[]> => {
    await writeFile(join(cwd, 'my.json'), JSON.stringify(config));
    return ['--config', 'my.json'];
  };
  const OPEN = { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } };

  it('keeps to it, shows its sinks’ failures, and shows no token of the operator’s', async () => {
    const token = 'the-token-of-the-operator';
    const args = await write({
      sources: OPEN,
      sinks: { hook: { type: 'http', url: 'http://127.0.0.1:1/', allowPrivateAddresses: true } },
      admin: { port: 0, token },
    });
    const { stderr, stdout } = await dev(args);
    expect(stderr()).not.toContain(token);
    const url = `${receiverOf(stderr())}/in`;
    let sent = 0;
    const lines = await eventually(
      async () => {
        await deliverSegment(url, trackText(`m-${sent++}`), 'x');
        return wholeLines(stdout());
      },
      (all) => all.some((line) => line.includes('will be retried')),
    );
    expect(lines.find((line) => line.includes('will be retried'))).toMatch(
      /sink +hook {2}\d+ events? failed, will be retried {2}\S/,
    );
    expect(lines.find((line) => line.includes('Order Completed'))).toContain('  unsigned  ');
  });

  it.each([
    ['a configuration that is wrong', { sinks: { a: { type: 'nothing' } } }, /sinks\.a\.type/],
    ['an admin section that is none', { admin: null }, /admin/],
  ])('leaves with 2 and one line on %s', async (_, config, named) => {
    const { code, stdout, stderr } = await runCommand(['dev', ...(await write(config))], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^trackbridge: [^\n]+\n$/);
    expect(stderr).toMatch(named);
  });

  it('does not take another port than the one it is told', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const args = await write({ admin: { port } });
    const { code, stderr } = await runCommand(['dev', '--port', '0', ...args], { cwd });
    other.close();
    expect(code).toBe(2);
    expect(stderr).toMatch(/admin\.port/);
  });
});
