import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory, runCommand } from '../support/receiver.js';
import { sign, trackText } from '../support/sender.js';

const SECRET = 'correct-horse-battery';
const BODY = trackText('m-1');
let cwd: string;
beforeEach(async () => {
  cwd = await makeDirectory();
  await writeFile(join(cwd, 'body.json'), BODY);
});
afterEach(() => rm(cwd, { recursive: true, force: true }));
const verify = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCommand(['verify', ...args], { cwd, env });

describe('verify', () => {
  it('leaves with 0 where the signature holds, and says over which bytes', async () => {
    const { code, stdout } = await verify([
      ...['--secret', 'another-secret', '--secret', SECRET],
      ...['--signature', sign(BODY, SECRET), '--body', 'body.json'],
    ]);
    expect(stdout).toContain(`bytes 0 to ${BODY.length}`);
    expect(stdout).toContain('secret 2 of 2');
    expect(code).toBe(0);
  });

  it('leaves with 1 where it does not, names cause and fix, and shows no secret', async () => {
    await writeFile(join(cwd, 'body.json'), `${BODY}\n`);
    const args = ['--signature', sign(BODY, SECRET), '--body', 'body.json'];
    const { code, stdout } = await verify(args, { TRACKBRIDGE_SECRET: SECRET });
    expect(code).toBe(1);
    expect(stdout).toContain('It becomes valid if the whitespace at the end');
    expect(stdout).not.toContain(SECRET);
    const json = await verify([...args, '--json'], { TRACKBRIDGE_SECRET: SECRET });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false, causes: [{ id: 'line-end' }] });
  });

  it('reads secrets from a file, one a line', async () => {
    await writeFile(join(cwd, 'secrets'), `old\n${SECRET}\n`);
    const args = ['--secret-file', 'secrets', '--signature', sign(BODY, SECRET)];
    expect((await verify([...args, '--body', 'body.json'])).stdout).toContain('secret 2 of 2');
  });

  it.each([
    ['no secret', ['--signature', 'x', '--body', 'body.json'], /secret/],
    ['no signature', ['--secret', SECRET], /--signature/],
    [
      'a file that is not there',
      ['--secret', SECRET, '--signature', 'x', '--body', 'no'],
      /--body/,
    ],
    [
      'a rule that there is not',
      ['--secret', SECRET, '--signature', 'x', '--batch', 'no'],
      /--batch/,
    ],
  ])('leaves with 2 and one line on wrong usage: %s', async (_, args, named) => {
    const { code, stderr } = await verify(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^trackbridge: [^\n]+\n$/);
    expect(stderr).toMatch(named);
  });
});
