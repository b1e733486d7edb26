import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isObject } from './json.js';
import { invalid } from './problems.js';
import type { Environment } from './references.js';

/** The sources that are there when none is configured, and where each one's secret may come from. */
const DEFAULT_SOURCES = [
  { name: 'segment', variable: 'SEGMENT_SHARED_SECRET' },
  { name: 'rudderstack', variable: 'RUDDERSTACK_SHARED_SECRET' },
] as const;

export interface DefaultSecret {
  readonly name: (typeof DEFAULT_SOURCES)[number]['name'];
  readonly variable: string;
  readonly secret: string;
  /** Whether the operator set it, it was made just now, or was made at an earlier start. */
  readonly origin: 'environment' | 'generated' | 'kept';
}

/** What to do about a secrets file that cannot be used. */
const ADVICE = 'or set SEGMENT_SHARED_SECRET and RUDDERSTACK_SHARED_SECRET instead';

/**
 * The secrets of the default sources: from the environment where set and not empty, else from `secrets.json` in
 * `dataDir`, where new ones are kept (mode 0600) unless `keep` is false. Throws CONFIG_INVALID where that file is damaged
 * or cannot be used: a silently replaced secret would turn every delivery into a 401, which both vendors drop.
 */
export function defaultSecrets(
  env: Environment,
  dataDir: string,
  keep: boolean,
  warnings: string[],
): readonly DefaultSecret[] {
  const file = join(dataDir, 'secrets.json');
  const missing = DEFAULT_SOURCES.some(({ variable }) => !env[variable]);
  const kept = missing ? readSecrets(file, warnings) : new Map<string, string>();
  const secrets = DEFAULT_SOURCES.map(({ name, variable }): DefaultSecret => {
    const given = env[variable];
    if (given) return { name, variable, secret: given, origin: 'environment' };
    const known = kept.get(name);
    if (known !== undefined) return { name, variable, secret: known, origin: 'kept' };
    return { name, variable, secret: randomBytes(32).toString('base64url'), origin: 'generated' };
  });
  const generated = secrets.filter(({ origin }) => origin === 'generated');
  if (keep && generated.length > 0) {
    for (const { name, secret } of generated) kept.set(name, secret);
    writeSecrets(dataDir, file, kept);
  }
  return secrets;
}

function readSecrets(file: string, warnings: string[]): Map<string, string> {
  let text: string;
  try {
    // Not through a link: whoever could put one there would choose the secrets.
    const handle = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      text = readFileSync(handle, 'utf8');
      closeToOthers(handle, file, warnings);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return new Map();
    if (codeOf(error) === 'ELOOP') {
      throw invalid(`${file} is a symbolic link: put the file itself there, ${ADVICE}`, error);
    }
    throw invalid(`${file} cannot be read (${codeOf(error)}): make it readable, ${ADVICE}`, error);
  }
  const value = parse(text);
  const entries = isObject(value) ? Object.entries(value) : [];
  const secrets = new Map<string, string>();
  for (const [name, secret] of entries) {
    if (typeof secret === 'string' && secret !== '') secrets.set(name, secret);
  }
  if (!isObject(value) || secrets.size < entries.length) {
    throw invalid(
      `${file} is damaged: restore it from a copy, or delete it and paste the new secrets into both vendors' settings, ${ADVICE}`,
    );
  }
  return secrets;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The error would quote the text, which holds secrets.
    return undefined;
  }
}

function closeToOthers(handle: number, file: string, warnings: string[]): void {
  if (process.platform === 'win32') return;
  const { mode, uid } = fstatSync(handle);
  if (uid !== 0 && uid !== process.getuid?.()) {
    warnings.push(`${file} belongs to another user, who knows its secrets: replace it and them`);
  }
  if ((mode & 0o077) === 0) return;
  try {
    fchmodSync(handle, 0o600);
    warnings.push(
      `${file} could be read by others; it is now its owner's alone, but replace its secrets`,
    );
  } catch {
    warnings.push(`${file} can be read by others: make it mode 0600, and replace its secrets`);
  }
}

/** All or nothing, also when the power fails: a temporary file, synced, then renamed over the old one. */
function writeSecrets(dataDir: string, file: string, secrets: ReadonlyMap<string, string>): void {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const text = `${JSON.stringify(Object.fromEntries(secrets), undefined, 2)}\n`;
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(temporary, file);
    syncDirectory(dataDir);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw invalid(
      `${file} cannot be written (${codeOf(error)}): make ${dataDir} writable, ${ADVICE}`,
      error,
    );
  }
}

function syncDirectory(directory: string): void {
  // Windows cannot open a directory, and does not need to.
  if (process.platform === 'win32') return;
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
