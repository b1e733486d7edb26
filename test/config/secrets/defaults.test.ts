import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LoadInput, loadConfig } from '../../../src/config/load.js';
import { configErrorOf, problemsOf, SECRET, temporaryDirectory } from '../support.js';

const start = (dataDir: string, input: Partial<LoadInput> = {}) =>
  loadConfig({ env: {}, dataDir, ...input });
const modeOf = (path: string): number => statSync(path).mode & 0o777;

function withSecretsFile(text: string, mode = 0o600): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'secrets.json'), text, { mode });
  return directory;
}

describe('the secrets of the default sources', () => {
  it('come from the environment where set, and nothing is written', () => {
    const directory = temporaryDirectory();
    const env = { SEGMENT_SHARED_SECRET: SECRET, RUDDERSTACK_SHARED_SECRET: 'short' };
    const { config, secrets, warnings } = start(directory, { env });
    expect(secrets).toMatchObject([
      {
        name: 'segment',
        vendor: 'segment',
        path: '/segment',
        secret: SECRET,
        origin: 'environment',
      },
      {
        name: 'rudderstack',
        vendor: 'rudderstack',
        path: '/rudderstack',
        secret: 'short',
        origin: 'environment',
      },
    ]);
    expect(config.sources['segment']?.verify).toMatchObject([{ secrets: [SECRET] }]);
    expect(warnings).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('are generated where unset or empty, kept for their owner alone, and found again', () => {
    const directory = join(temporaryDirectory(), 'deep', 'data');
    const first = start(directory, { env: { SEGMENT_SHARED_SECRET: '' } });
    expect(first.secrets.map(({ origin }) => origin)).toEqual(['generated', 'generated']);
    const [segment, rudderstack] = first.secrets.map(({ secret }) => secret);
    expect(segment).toMatch(/^[\w-]{43}$/);
    expect(segment).not.toBe(rudderstack);
    expect(first.config.sources['rudderstack']?.verify).toMatchObject([{ secrets: [rudderstack] }]);
    expect(readdirSync(directory)).toEqual(['secrets.json']);
    expect(modeOf(join(directory, 'secrets.json'))).toBe(0o600);
    expect(modeOf(directory)).toBe(0o700);

    const second = start(directory);
    expect(second.secrets.map(({ origin }) => origin)).toEqual(['kept', 'kept']);
    expect(second.config).toEqual(first.config);
  });

  it('are generated one by one, and what else the file holds is kept', () => {
    const directory = withSecretsFile(JSON.stringify({ segment: SECRET, other: 'x' }));
    const { secrets } = start(directory);
    expect(secrets.map(({ origin }) => origin)).toEqual(['kept', 'generated']);
    expect(JSON.parse(readFileSync(join(directory, 'secrets.json'), 'utf8'))).toEqual({
      segment: SECRET,
      other: 'x',
      rudderstack: secrets[1]?.secret,
    });
  });

  it('are not written where the caller only looks', () => {
    const directory = join(temporaryDirectory(), 'data');
    start(directory, { keepSecrets: false });
    expect(() => statSync(directory)).toThrow(/ENOENT/);
  });

  it('are neither made nor asked for where sources are configured, or the rest is wrong', () => {
    const directory = withSecretsFile('damaged');
    const file = join(temporaryDirectory(), 'trackbridge.yaml');
    writeFileSync(file, 'sources: {}');
    expect(start(directory, { file }).secrets).toEqual([]);
    const dataDir = join(temporaryDirectory(), 'data');
    problemsOf('server: { port: x }', { env: {}, dataDir, keepSecrets: true });
    expect(() => statSync(dataDir)).toThrow(/ENOENT/);
  });

  it.each(['', '{', '[]', 'null', '{"segment":""}', '{"segment":5}', '{"segment":"hunter2'])(
    'are never replaced in silence: a file holding %j is an error',
    (text) => {
      const directory = withSecretsFile(text);
      const file = join(directory, 'secrets.json');
      expect(configErrorOf(() => start(directory)).message).toBe(
        `${file} is damaged; restore it from a copy, or delete it and enter the new secrets in both vendors' ` +
          'settings, or set SEGMENT_SHARED_SECRET and RUDDERSTACK_SHARED_SECRET instead',
      );
      expect(readFileSync(file, 'utf8')).toBe(text);
    },
  );

  it('are closed to others where the file was open, with a warning', () => {
    const directory = withSecretsFile(JSON.stringify({ segment: SECRET, rudderstack: SECRET }));
    const file = join(directory, 'secrets.json');
    chmodSync(file, 0o644);
    expect(start(directory).warnings).toEqual([
      `${file} was readable by other users; its mode is now 0600, but replace its secrets`,
    ]);
    expect(modeOf(file)).toBe(0o600);
    expect(start(directory).warnings).toEqual([]);
  });

  it('are not read through a link, which somebody else may have put there', () => {
    const elsewhere = withSecretsFile(JSON.stringify({ segment: SECRET, rudderstack: SECRET }));
    const directory = temporaryDirectory();
    symlinkSync(join(elsewhere, 'secrets.json'), join(directory, 'secrets.json'));
    expect(configErrorOf(() => start(directory)).message).toContain('is a symbolic link');
  });

  it.runIf(process.getuid?.() === 0)('of a file of another user are taken with a warning', () => {
    const directory = withSecretsFile(JSON.stringify({ segment: SECRET, rudderstack: SECRET }));
    chownSync(join(directory, 'secrets.json'), 12_345, 12_345);
    expect(start(directory).warnings).toEqual([
      expect.stringContaining('belongs to another user, who can read its secrets'),
    ]);
  });

  it('say what to do where the file cannot be read or the directory not be made', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'secrets.json'));
    expect(configErrorOf(() => start(directory)).message).toMatch(
      /secrets\.json cannot be read \(EISDIR\); make it/,
    );
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    expect(configErrorOf(() => start(join(file, 'data'))).message).toMatch(
      /secrets\.json cannot be (read|written) \(ENOTDIR\)/,
    );
  });
});
