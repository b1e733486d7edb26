import { describe, expect, it } from 'vitest';
import { manual, PAGES, readText } from '../support/manual.js';
import { fencesOf } from '../support/markdown.js';
import { runInProcess } from '../support/program.js';
import { leavesOf, program } from './generate/commands.js';

const LEAVES = leavesOf(await program());
/** Every command line of the manual that runs the program, without the program's name. */
const EXAMPLES = fencesOf(manual())
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => [...text.matchAll(/(?:^|\| )(?:\w+=\S+ |npx )?trackbridge ([a-z].*)$/gm)])
  .map((match) => String(match[1]));

describe('every command', () => {
  it.each(LEAVES.map(({ name }) => name))('%s has an example in its help', async (name) => {
    const { code, stdout } = await runInProcess([...name.split(' '), '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Example:\n  trackbridge ');
  });
});

describe('the command lines of the manual', () => {
  it('are those of commands that exist, with options that they have', () => {
    expect(EXAMPLES.length).toBeGreaterThan(30);
    for (const example of EXAMPLES) {
      const leaf = LEAVES.find(({ name }) => `${example} `.startsWith(`${name} `));
      expect(leaf, example).toBeDefined();
      const known = leaf?.command.options.map(({ long }) => long);
      for (const option of example.match(/(?<=\s)--[a-z-]+/g) ?? []) {
        expect(known, example).toContain(option);
      }
    }
  });

  it.each(PAGES)('are the only mentions of commands in %s: each one in the text exists', (path) => {
    const named = [...readText(path).matchAll(/`trackbridge ([a-z][a-z -]*[a-z])/g)];
    for (const [, name = ''] of named) {
      const known = LEAVES.some(
        (leaf) => `${leaf.name} `.startsWith(`${name} `) || `${name} `.startsWith(`${leaf.name} `),
      );
      expect(known, name).toBe(true);
    }
  });
});
