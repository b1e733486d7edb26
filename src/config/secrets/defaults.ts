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
import { configInvalid } from '../../core/errors.js';
import { isObject } from '../../core/json.js';
import type { Environment } from '../document/references.js';

/** The sources that exist if none is configured, and where the secret of each may come from. */
const DEFAULT_SOURCES = [
  { name: 'segment', variable: 'SEGMENT_SHARED_SECRET' },
  { name: 'rudderstack', variable: 'RUDDERSTACK_SHARED_SECRET' },
] as const;

export interface DefaultSecret {
  readonly name: (typeof DEFAULT_SOURCES)[number]['name'];
  readonly variable: string;
  readonly secret: string;
  /** Whether the operator set the secret, or it was generated now or at an earlier start. */
  readonly origin: 'environment' | 'generated' | 'kept';
}

/** What to do about a secrets file that cannot be used. */
const ADVICE = 'or set SEGMENT_SHARED_SECRET and RUDDERSTACK_SHARED_SECRET instead';

/** Returns the environment variables of the default sources that are not set. */
export function missingSecrets(env: Environment): readonly string[] {
  return DEFAULT_SOURCES.flatMap(({ variable }) => (env[variable] ? [] : [variable]));
}

/**
 * Returns the secrets of the default sources: from the environment if set and not empty, else from `secrets.json` in
 * `dataDir`. New ones are stored there (mode 0600) unless `keep` is false. Throws CONFIG_INVALID if that file is
 * damaged or cannot be used: a silently replaced secret would turn every delivery into a 401, which both vendors drop.
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
    // Symbolic links are not followed: anyone who could create one would choose the secrets.
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
      throw configInvalid(
        `${file} is a symbolic link; replace it with the file itself, ${ADVICE}`,
        error,
      );
    }
    throw configInvalid(
      `${file} cannot be read (${codeOf(error)}); make it readable, ${ADVICE}`,
      error,
    );
  }
  const value = parse(text);
  const entries = isObject(value) ? Object.entries(value) : [];
  const secrets = new Map<string, string>();
  for (const [name, secret] of entries) {
    if (typeof secret === 'string' && secret !== '') secrets.set(name, secret);
  }
  if (!isObject(value) || secrets.size < entries.length) {
    throw configInvalid(
      `${file} is damaged; restore it from a copy, or delete it and enter the new secrets in both vendors' settings, ${ADVICE}`,
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
    warnings.push(
      `${file} belongs to another user, who can read its secrets; replace the file and its secrets`,
    );
  }
  if ((mode & 0o077) === 0) return;
  try {
    fchmodSync(handle, 0o600);
    warnings.push(
      `${file} was readable by other users; its mode is now 0600, but replace its secrets`,
    );
  } catch {
    warnings.push(
      `${file} is readable by other users; set its mode to 0600, and replace its secrets`,
    );
  }
}

/** Writes all secrets or none, even if the power fails: a temporary file, synced, then renamed over the old one. */
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
    throw configInvalid(
      `${file} cannot be written (${codeOf(error)}); make ${dataDir} writable, ${ADVICE}`,
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
