import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { charts } from '../../bench/report/charts.js';
import { newestResult } from '../../bench/report/newest.js';
import { SECTIONS } from '../../bench/sections/sections.js';
import { sinkTypes } from '../../src/sinks/registry.js';
import { manual, PAGES, ROOT, readText } from '../support/manual.js';
import { MAN_PAGE, manPage } from './generate/man.js';
import { CONFIG, definition, SOURCE_TYPES, sinkSchema } from './generate/options.js';
import { generated } from './generate/pages.js';
import { regenerate, regionsOf, table } from './generate/region.js';

describe('a generated region', () => {
  const page = 'by hand\n<!-- generated: a -->\nold\n<!-- /generated -->\nby hand\n';

  it('is written anew, and nothing else of the page', () => {
    expect(regenerate(page, (name) => `new ${name}`)).toBe(
      'by hand\n<!-- generated: a -->\n\nnew a\n\n<!-- /generated -->\nby hand\n',
    );
  });

  it('is named when it cannot be generated', async () => {
    const withRegion = (name: string) =>
      generated(page.replace('generated: a', `generated: ${name}`));
    await expect(withRegion('no-such')).rejects.toThrow('no-such');
    await expect(withRegion('options no-such')).rejects.toThrow('no-such');
  });

  it('keeps a table in one piece', () => {
    expect(table(['a'], [['x|y\nz']])).toBe('| a |\n|---|\n| x\\|y z |');
  });
});

describe('the manual', () => {
  it.each(PAGES.filter((path) => regionsOf(readText(path)).length > 0))(
    'has what the schemas and the program say in %s (run `npm run docs`)',
    async (path) => {
      const text = readText(path);
      expect(await generated(text)).toBe(text);
    },
  );

  it('has what the program says in its page for man (run `npm run docs`)', async () => {
    expect(readText(MAN_PAGE)).toBe(await manPage());
  });

  const withoutMandoc = spawnSync('mandoc', { input: '' }).status !== 0;
  it.skipIf(withoutMandoc && process.env['CI'] === undefined)(
    'has a page for man without warnings of mandoc',
    () => {
      const args = ['-T', 'lint', '-W', 'warning', MAN_PAGE];
      const { stdout } = spawnSync('mandoc', args, { cwd: ROOT, encoding: 'utf8' });
      // A page of every commit has no date.
      expect(stdout.split('\n').filter((line) => !/missing date|^$/.test(line))).toEqual([]);
    },
  );

  it.each([...charts(newestResult())])(
    'has the chart %s of the newest result (run `npm run docs`)',
    (name, svg) => {
      expect(readText(`docs/images/performance/${name}`)).toBe(svg);
    },
  );

  it('has a table for every part of the configuration, and the commands', () => {
    const expected = [
      'commands',
      'sinks',
      'metrics',
      'common-source-options',
      ...['machine', 'targets', ...SECTIONS.map(({ name }) => name)].map(
        (name) => `performance ${name}`,
      ),
      ...Object.keys(CONFIG.properties ?? {})
        .filter((name) => !['$schema', 'sources', 'sinks', 'outbox'].includes(name))
        .map((name) => `options ${name}`),
      ...(definition('outbox').properties?.['type']?.enum ?? []).map(
        (type) => `options outbox-${String(type)}`,
      ),
      ...SOURCE_TYPES.map((type) => `source ${type}`),
      ...(definition('scheme').properties?.['scheme']?.enum ?? []).map(
        (scheme) => `scheme ${String(scheme)}`,
      ),
      'options sink',
      ...Object.keys(sinkTypes).map((type) => `sink ${type}`),
    ];
    expect([...regionsOf(manual())].sort()).toEqual(expected.sort());
  });

  it('describes every option in at least one sentence', () => {
    const silent = Object.keys(sinkTypes).flatMap((type) =>
      Object.entries(sinkSchema(type).properties ?? {}).flatMap(([name, { description = '' }]) =>
        description.endsWith('.') ? [] : [`${type}.${name}`],
      ),
    );
    expect(silent).toEqual([]);
  });
});
