import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeIn, section, tableOf } from './support/markdown.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const filesBelow = (directory: string): string[] =>
  readdirSync(join(ROOT, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length));

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

/** What a publish would send. Without scripts: `prepare` would compile anew under other tests' feet. */
async function packed(): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const shell = process.platform === 'win32';
  const { stdout } = await run('npm', args, { cwd: ROOT, shell, maxBuffer: 16 * 1024 * 1024 });
  // npm 10 and 11 print a list, later ones an object by package name.
  const [first] = Object.values(JSON.parse(stdout) as Record<string, Packed>);
  return (first?.files ?? []).map(({ path }) => path);
}

/** The packages that a module loads when it needs them. */
function loadedBySource(): readonly string[] {
  return filesBelow('src').flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/import\('([^./'][^']*)'\)/g)].map(
      (match) => String(match[1]),
    ),
  );
}

describe('the package', { timeout: 120_000 }, () => {
  let files: string[];
  /** A project that has the package installed, and of the rest only what it depends on. */
  let project: string;
  const at = (path: string): string => join(project, 'node_modules/trackbridge', path);
  beforeAll(async () => {
    files = await packed();
    project = await mkdtemp(join(tmpdir(), 'trackbridge-package-'));
    for (const file of files) {
      await mkdir(dirname(at(file)), { recursive: true });
      await cp(join(ROOT, file), at(file));
    }
    for (const name of [...Object.keys(MANIFEST.dependencies), '@types/node']) {
      const link = join(project, 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), link, 'junction');
    }
  }, 120_000);
  afterAll(async () => {
    await rm(project, { recursive: true, force: true });
  });

  it('holds what runs, what describes it, and nothing else', () => {
    const texts = [
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'SECURITY.md',
      'docs/trackbridge.1',
    ];
    const page = 'src/workbench/inspector/page/';
    const compiled = filesBelow('src')
      .filter((file) => !file.startsWith(page))
      .flatMap((file) => {
        const base = file.replace(/^src/, 'dist').replace(/\.(ts|js)$/, '');
        return [`${base}.js`, `${base}.d.ts`];
      });
    // What a browser loads: modules without declarations, and Preact instead of what declares it.
    const loaded = [...filesBelow(page), `${page}htm.LICENSE.txt`]
      .filter((file) => !/tsconfig\.json$|assets\.mjs$/.test(file))
      .map((file) => file.replace(/^src/, 'dist').replace(/(\.d)?\.ts$/, '.js'));
    expect(files.toSorted()).toEqual(
      [...texts, ...compiled, ...loaded, ...filesBelow('schemas')].sort(),
    );
  });

  it('points only at files it holds', () => {
    const { bin, exports } = MANIFEST;
    const targets = [...Object.values(bin), ...Object.values(exports['.'])] as string[];
    expect(targets).toHaveLength(3);
    for (const target of targets) expect(files).toContain(target.replace(/^\.\//, ''));
  });

  it('can be imported, and gives the library and its manifest only', async () => {
    const script = `
      const names = Object.keys(await import('trackbridge'));
      const inside = await import('trackbridge/dist/errors.js').catch((error) => error.code);
      const { default: { version } } = await import('trackbridge/package.json', { with: { type: 'json' } });
      console.log(JSON.stringify([names.includes('createTrackbridge'), inside, version]));`;
    await writeFile(join(project, 'index.mjs'), script);
    const { stdout } = await run(process.execPath, ['--no-warnings', 'index.mjs'], {
      cwd: project,
    });
    expect(JSON.parse(stdout)).toEqual([true, 'ERR_PACKAGE_PATH_NOT_EXPORTED', MANIFEST.version]);
  });

  it('brings types that hold in a strict project', async () => {
    const script = `
      import { createServer } from 'node:http';
      import { createTrackbridge, type Trackbridge } from 'trackbridge';
      const receiver: Trackbridge = createTrackbridge({ sinks: {} }, { env: { NAME: 'value' } });
      createServer(receiver.callback());
      export const ports: { readonly server?: number } = receiver.ports;
      export const started: Promise<void> = receiver.start();
      // @ts-expect-error: it would not if what start returns had no type
      export const wrong: number = receiver.start();\n`;
    await writeFile(join(project, 'index.ts'), script);
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--types'];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const args = [...options, 'node', '--module', 'nodenext', 'index.ts'];
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    const { stdout } = await run(process.execPath, [tsc, ...args], { cwd: project }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  });

  it('has a program that runs by itself', async () => {
    const program = at(MANIFEST.bin.trackbridge);
    expect(readFileSync(program, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    if (process.platform === 'win32') return;
    await chmod(program, 0o755); // as npm does with every bin
    expect((await run(program, ['--version'])).stdout.trim()).toBe(MANIFEST.version);
    // It reads its schemas and the transformation from beside itself.
    await writeFile(join(project, 'open.json'), '{ "sources": {}, "sinks": {} }');
    const checked = await run(program, ['check', '--config', 'open.json'], { cwd: project });
    expect(checked.stdout).toContain('valid');
    expect((await run(program, ['transformation'])).stdout).toContain('transformEvent');
  });

  it('says in SECURITY.md of each package it runs with what for', () => {
    const imported = filesBelow('src').flatMap((file) =>
      [
        ...readFileSync(join(ROOT, file), 'utf8').matchAll(
          /^(?:import|export)\b(?! type)[^;]*?from '((?:@[^/']+\/)?[^./'][^/']*)[^']*';/gms,
        ),
      ].map((match) => String(match[1])),
    );
    const needed = loadedBySource().filter((name) => Object.hasOwn(MANIFEST.dependencies, name));
    const used = [...new Set([...imported, ...needed])]
      .filter((name) => !name.startsWith('node:'))
      .sort();
    const rows = tableOf(section(readFileSync(join(ROOT, 'SECURITY.md'), 'utf8'), 'Dependencies'));
    expect(rows.map(([name]) => String(codeIn(String(name))[0])).sort()).toEqual(used);
    for (const name of used) expect(Object.keys(MANIFEST.dependencies)).toContain(name);
    expect(rows.every(([, reason = '']) => reason.length > 10)).toBe(true);
  });

  it('names the drivers of sinks in SECURITY.md, all of them optional peers', () => {
    const text = section(readFileSync(join(ROOT, 'SECURITY.md'), 'utf8'), 'Dependencies');
    const loaded = loadedBySource().filter((name) => !Object.hasOwn(MANIFEST.dependencies, name));
    expect(loaded).toContain('pg');
    for (const name of loaded) {
      expect(text).toContain(`\`${name}\``);
      expect(MANIFEST.peerDependenciesMeta[name]).toEqual({ optional: true });
    }
  });

  it('has the licence it names', () => {
    expect(MANIFEST.license).toBe('MIT');
    expect(readFileSync(join(ROOT, 'LICENSE'), 'utf8')).toMatch(/^MIT License/);
    expect(existsSync(join(ROOT, 'package-lock.json'))).toBe(true);
  });
});
