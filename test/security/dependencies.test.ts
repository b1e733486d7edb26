import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { codeIn, section, tableOf } from '../support/markdown.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8');

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly peer?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly license?: string;
}

const manifest = JSON.parse(read('package.json'));
const lock: Readonly<Record<string, Locked>> = JSON.parse(read('package-lock.json')).packages;
const installed = Object.entries(lock).filter(([path]) => path !== '');
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 13);

/** Type declarations, which some packages bring along, never run. */
const runTime = installed.filter(
  ([path, { dev, peer }]) =>
    dev !== true && peer !== true && !/\/(?:@types\/.+|undici-types|type-fest)$/.test(path),
);

/** Every package that runs with the program: more is a decision, and one to read before it is made. */
const MOST_AT_RUN_TIME = 120;

/** What may run when it is installed: see SECURITY.md. */
const WITH_INSTALL_SCRIPT = ['@photostructure/sqlite'];

/** An entry without a place is from the registry that npm is set to; the hash is the same from any. */
const FROM_REGISTRY = /^https:\/\/[^/]+\/(?:.+\/)?-\/[^/]+\.tgz$/;

describe('the lock file', () => {
  it('pins every package by the hash of its content', () => {
    expect(installed.length).toBeGreaterThan(50);
    const loose = installed.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''));
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  it('takes packages from a registry only, over TLS: none from git, a URL or a directory', () => {
    const elsewhere = installed.filter(
      ([, { resolved, link }]) =>
        link === true || (resolved !== undefined && !FROM_REGISTRY.test(resolved)),
    );
    expect(elsewhere.map(([path, { resolved }]) => `${path} ${resolved}`)).toEqual([]);
    const wanted = installed.flatMap(([, { dependencies }]) => Object.values(dependencies ?? {}));
    const ranges = [...wanted, ...Object.values<string>(manifest.dependencies)];
    expect(ranges.filter((range) => /^(?:git|https?:|file:|link:|github:)|\//.test(range))).toEqual(
      [],
    );
  });

  it('says what package.json says', () => {
    expect(lock['']?.dependencies).toEqual(manifest.dependencies);
  });
});

describe('what runs with the program', () => {
  it('is what SECURITY.md lists, directly', () => {
    const listed = tableOf(section(read('SECURITY.md'), 'Dependencies')).map(
      ([name]) => codeIn(String(name))[0],
    );
    expect([...listed].sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });

  it('is no more than was looked at, and the number is the one in SECURITY.md', () => {
    const names = new Set(runTime.map(([path]) => nameOf(path)));
    expect(names.size).toBeLessThanOrEqual(MOST_AT_RUN_TIME);
    expect(section(read('SECURITY.md'), 'Dependencies')).toContain(`${names.size} packages`);
  });

  it('runs nothing when it is installed but what SECURITY.md explains', () => {
    const scripted = runTime.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(scripted.map(([path]) => nameOf(path))).toEqual(WITH_INSTALL_SCRIPT);
  });

  it('is under licences that ask for nothing but their text', () => {
    const allowed = /^(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|Unlicense|BlueOak-1\.0\.0)$/;
    const other = runTime.filter(([, { license }]) => !allowed.test(license ?? ''));
    expect(other.map(([path, { license }]) => `${path} ${license}`)).toEqual([]);
  });
});

describe('this package', () => {
  it('runs nothing on the machine of who installs it as a dependency', () => {
    const scripts = Object.keys(manifest.scripts);
    const atInstall = ['preinstall', 'install', 'postinstall', 'preprepare', 'postprepare'];
    expect(scripts.filter((name) => atInstall.includes(name))).toEqual([]);
    // `prepare` runs in a checkout, before packing, and for git dependencies; it compiles.
    expect(manifest.scripts.prepare).toBe('npm run build');
  });

  it('ships neither sources, tests nor anything else that is not run', () => {
    expect(manifest.files).toEqual([
      'dist',
      'docs/trackbridge.1',
      'schemas',
      '/CHANGELOG.md',
      '/SECURITY.md',
    ]);
  });
});
