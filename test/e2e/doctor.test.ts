import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Receiver, runCommand, startReceiver } from '../support/receiver.js';

const SECRET = 'correct-horse-battery';
let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver({
    env: { SEGMENT_SHARED_SECRET: SECRET, RUDDERSTACK_SHARED_SECRET: SECRET },
    args: ['--port', '0'],
  });
});
afterEach(async () => {
  await receiver.end('SIGKILL');
  await rm(receiver.directory, { recursive: true, force: true });
});
const doctor = (path: string, ...args: string[]) =>
  runCommand(['doctor', '--url', `${receiver.url}${path}`, ...args], {
    env: { TRACKBRIDGE_SECRET: SECRET },
  });

describe('doctor', () => {
  it.each(['segment', 'rudderstack'])(
    'finds nothing wrong with this receiver, as %s',
    async (vendor) => {
      const { code, stdout, stderr } = await doctor(`/${vendor}`, '--as', vendor, '--json');
      const findings = JSON.parse(stdout) as { id: string; grade: string; why: string }[];
      expect(findings.filter(({ grade }) => grade !== 'ok')).toEqual([]);
      expect(code).toBe(0);
      expect(stderr).toMatch(/^trackbridge: sending \d+ test deliveries to .*trackbridge-doctor-/);
    },
    30_000,
  );

  it('leaves with 1 where real deliveries would be lost, and shows no secret', async () => {
    const { code, stdout, stderr } = await doctor('/segment', '--secret', 'a-wrong-secret');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^lost +a signed event: 401/m);
    expect(stdout).toMatch(/would be lost: [1-9]/);
    expect(stdout + stderr).not.toContain('a-wrong-secret');
  }, 30_000);

  it.each([
    ['a URL that is none', ['--url', 'nowhere'], /--url/],
    ['a vendor that there is not', ['--url', 'http://127.0.0.1:1', '--as', 'no'], /--as/],
    ['a header that is none', ['--url', 'http://127.0.0.1:1', '--header', 'a b'], /--header/],
  ])('leaves with 2 and one line on wrong usage: %s', async (_, args, named) => {
    const { code, stderr } = await runCommand(['doctor', '--secret', SECRET, ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^trackbridge: [^\n]+\n$/);
    expect(stderr).toMatch(named);
  });
});
