import { describe, expect, it } from 'vitest';
import { readText } from '../support/manual.js';
import { fencesOf } from '../support/markdown.js';

const README = readText('README.md');
const SHELL = fencesOf(README).filter(({ language }) => language === 'sh');
const textsOf = (use: string): readonly string[] =>
  SHELL.filter((each) => each.use === use).map(({ text }) => text.trim());

describe('the README', () => {
  it('is short', () => {
    expect(README.split('\n').length).toBeLessThanOrEqual(200);
  });

  it('has only commands that a test runs', () => {
    // `.ci/fresh-clone.sh` runs the first two on a clone, and `.ci/run` ends with the third.
    expect(textsOf('setup')).toEqual(['npm install && npm start', 'npm install && npm test']);
    const fresh = readText('.ci/fresh-clone.sh');
    for (const command of ['npm install', 'npm start'])
      expect(fresh).toContain(`\n${command}`.trim());
    expect(readText('.ci/run')).toMatch(/^npm install && npm test$/m);
    // first-delivery.test.ts
    expect([textsOf('start'), textsOf('delivery')].map(({ length }) => length)).toEqual([1, 1]);
    // test/e2e/dev.test.ts
    expect(textsOf('')).toEqual(['npx trackbridge dev']);
    expect(SHELL).toHaveLength(5);
  });
});
