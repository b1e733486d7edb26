import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/commands/program.js';

const directory = mkdtempSync(join(tmpdir(), 'trackbridge-completion-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [input, out, err] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const code = await runProgram(args, { env: {}, in: input, out, err });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** How each shell is asked what can follow these words; the last one has only begun. */
const SHELLS: Readonly<Record<string, (script: string, words: readonly string[]) => string[]>> = {
  bash(script, words) {
    const call = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _trackbridge; printf "%s\\n" "\${COMPREPLY[@]}"`;
    return linesOf(execFileSync('bash', ['-c', call, script, ...words], { encoding: 'utf8' }));
  },
  zsh(script, words) {
    // The functions of zsh's own completion, of which only the words matter here.
    const call = `
      compdef() { :; }
      _describe() { print -rl -- \${\${(P)4}%%:*}; }
      compadd() { shift; print -rl -- "$@"; }
      _files() { :; }
      source "$0"; words=("$@"); CURRENT=$#; _trackbridge`;
    const begun = words.at(-1) ?? '';
    return linesOf(
      execFileSync('zsh', ['-f', '-c', call, script, ...words], { encoding: 'utf8' }),
    ).filter((word) => word.startsWith(begun));
  },
  fish(script, words) {
    const line = words.join(' ');
    const call = 'source $argv[1]; complete -C $argv[2]';
    const text = execFileSync('fish', ['--no-config', '-c', call, script, line], {
      encoding: 'utf8',
      cwd: directory,
    });
    return linesOf(text)
      .map((each) => each.split('\t', 1)[0] ?? '')
      .filter((word) => !word.startsWith('completion.'));
  },
};

describe.each(Object.keys(SHELLS))('the completion for %s', (shell) => {
  const isMissing = spawnSync(shell, ['-c', 'exit']).status !== 0;
  const when = it.skipIf(isMissing && process.env['CI'] === undefined);
  const script = join(directory, `completion.${shell}`);
  const following = (...words: string[]): string[] =>
    SHELLS[shell]?.(script, ['trackbridge', ...words]) ?? [];

  beforeAll(async () => {
    const { code, out } = await run('completion', shell);
    expect(code).toBe(0);
    writeFileSync(script, out);
  });

  when('completes commands', () => {
    expect(following('s').sort()).toEqual(['send', 'serve', 'sinks', 'stats']);
    expect(following('dead-letters', 're')).toEqual(['replay']);
    expect(following('completion', '')).not.toContain('serve');
  });

  when('completes the options of the command at hand', () => {
    expect(following('serve', '--')).toEqual(
      expect.arrayContaining(['--config', '--host', '--port', '--help']),
    );
    expect(following('serve', '--')).not.toContain('--batch');
    expect(following('serve', '--config', 'x.yaml', '--po')).toEqual(['--port']);
    expect(following('outbox', 'check', '--he')).toEqual(['--help']);
  });

  when('completes the values of an option that has few, and no words for one that has many', () => {
    expect(following('send', '--as', '').sort()).toEqual(['rudderstack', 'segment']);
    expect(following('send', '--as', 'r')).toEqual(['rudderstack']);
    expect(following('serve', '--config', 'nothing-')).toEqual([]);
  });
});

it('is rejected for another shell, with the shells that there are', async () => {
  const { code, err } = await run('completion', 'tcsh');
  expect(code).toBe(2);
  expect(err).toMatch(/^trackbridge: .*bash, zsh, fish.*\n$/);
});
