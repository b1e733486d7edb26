import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { validateWorkflow } from '@action-validator/core';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const WORKFLOWS = join(ROOT, '.github/workflows');
const files = readdirSync(WORKFLOWS);

interface Job {
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly { readonly run?: string; readonly uses?: string }[];
}

const textOf = (file: string): string => readFileSync(join(WORKFLOWS, file), 'utf8');
const jobsOf = (file: string): readonly (readonly [name: string, job: Job])[] =>
  Object.entries<Job>(parse(textOf(file)).jobs);

describe.each(files)('the workflow %s', (file) => {
  it('is valid by the schema of workflows', () => {
    expect(validateWorkflow(textOf(file)).errors).toEqual([]);
  });

  it('pins every action by its commit, and names the version beside it', () => {
    const uses = [...textOf(file).matchAll(/\buses: (.+)$/gm)].map(([, what = '']) => what);
    const loose = uses.filter(
      (what) =>
        !what.startsWith('./') && !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what),
    );
    expect(loose).toEqual([]);
  });

  it('grants nothing that a job does not name, and ends', () => {
    expect(parse(textOf(file)).permissions).toEqual({});
    for (const [name, job] of jobsOf(file)) {
      expect(job.permissions, name).toBeDefined();
      if (job.uses === undefined) expect(job['timeout-minutes'], name).toBeGreaterThan(0);
    }
  });

  it('has only scripts that are there, and no expression in them that a title or branch could fill', () => {
    for (const [name, { steps = [] }] of jobsOf(file)) {
      for (const { run = '' } of steps) {
        expect(run, name).not.toContain('${{');
        for (const [script] of run.matchAll(/\.ci\/[\w.-]+/g)) {
          expect(existsSync(join(ROOT, script)), script).toBe(true);
        }
      }
    }
  });
});

it('only the jobs of a release may write, each what it publishes', () => {
  const writes = files.flatMap((file) =>
    jobsOf(file).flatMap(([name, { permissions = {} }]) =>
      Object.entries(permissions)
        .filter(([, access]) => access === 'write')
        .map(([what]) => `${file} ${name}: ${what}`),
    ),
  );
  expect(writes.sort()).toEqual([
    'release.yml github: contents',
    'release.yml image: packages',
    'release.yml npm: id-token',
  ]);
});

describe.skipIf(process.platform === 'win32')('the notes of a release', () => {
  const CHANGELOG =
    '# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.0 - 2026-11-30\n\n### Added\n\n- this\n\n## 1.2.0-rc.1\n\n- before\n';

  function notes(version: string, stated = version) {
    const directory = mkdtempSync(join(tmpdir(), 'trackbridge-notes-'));
    writeFileSync(
      join(directory, 'package.json'),
      JSON.stringify({ name: 'x', version: stated, a: 1 }, null, 2),
    );
    writeFileSync(join(directory, 'CHANGELOG.md'), CHANGELOG);
    const script = join(ROOT, '.ci/release-notes.sh');
    return spawnSync(script, [version, directory], { encoding: 'utf8' });
  }

  it('are the part of the changelog about the version', () => {
    expect(notes('1.2.0').stdout).toBe('### Added\n\n- this\n');
    expect(notes('1.2.0-rc.1').stdout).toBe('- before\n');
  });

  it('are refused for a version that package.json or the changelog does not have', () => {
    expect(notes('1.2.0', '1.1.9')).toMatchObject({
      status: 1,
      stderr: 'package.json has version 1.1.9, and the tag says 1.2.0\n',
    });
    expect(notes('1.3.0').status).toBe(1);
  });
});
