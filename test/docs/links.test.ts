import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAGES, ROOT, readText } from '../support/manual.js';
import { anchorsOf, codeIn, linksOf } from '../support/markdown.js';

describe.each([...PAGES, 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'])('%s', (file) => {
  const text = readText(file);

  it('links to what there is', () => {
    const inside = linksOf(text).filter((link) => !/^[a-z]+:/.test(link));
    const broken = inside.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : posix.join(posix.dirname(file), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(readText(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names paths that there are', () => {
    const paths = codeIn(text).filter((code) =>
      /^(?:src|schemas|test|bench|\.ci)\/[\w./-]*$/.test(code),
    );
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names scripts that there are', () => {
    const { scripts } = JSON.parse(readText('package.json'));
    const run = [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)].map((match) => String(match[1]));
    expect(run.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
