import { readFileSync, statSync } from 'node:fs';
import { parseFile } from './document.js';
import { invalid } from './problems.js';
import type { Environment } from './references.js';
import { type LoadedConfig, resolve } from './resolve.js';
import { loadSchemas } from './schemas.js';
import type { Overrides } from './sections.js';

export type { LoadedConfig };

export interface LoadOptions {
  /** Where default paths and generated secrets are; `./data`. */
  readonly dataDir?: string;
  /** False: generated secrets are not written down, for a check that must leave no trace. */
  readonly keepSecrets?: boolean;
}

export interface LoadInput extends LoadOptions {
  /** YAML or JSON. Left out: all defaults. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** From the command line; they come before the file. */
  readonly overrides?: Overrides;
  /** What a command adds to what the file says (undefined: there is no file), before it is checked. */
  readonly amend?: (value: unknown) => unknown;
}

/** Many times the size of any real configuration. */
const MAX_FILE = 4 * 1024 * 1024;

/**
 * Reads the configuration file and the environment (the only code that does), and checks both. The result is frozen;
 * durations are milliseconds, sizes bytes. Throws CONFIG_INVALID, whose `errors` name every problem with file, line and
 * column, and whose message is the first of them.
 */
export function loadConfig(input: LoadInput): LoadedConfig {
  const { amend, env, file, overrides = {} } = input;
  const parsed = file === undefined ? undefined : parseFile(readText(file), file);
  return resolve({
    value: amend === undefined ? parsed?.value : amend(parsed?.value),
    origin: file === undefined || parsed === undefined ? {} : { file, locate: parsed.locate },
    env,
    overrides,
    ...withDefaults(input),
  });
}

/** The same for a configuration that a host application passes as an object; errors then name no lines. */
export function configFromObject(
  value: unknown,
  env: Environment,
  options: LoadOptions = {},
): LoadedConfig {
  return resolve({ value, origin: {}, env, overrides: {}, ...withDefaults(options) });
}

function withDefaults({ dataDir = './data', keepSecrets = true }: LoadOptions) {
  return { dataDir, keepSecrets, schemas: loadSchemas() };
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE)
      throw invalid(`${file} is larger than 4 MB: that is no configuration file`);
    bytes = readFileSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  try {
    // Strips a byte order mark, which editors on Windows write.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid(`${file} is not UTF-8 text: save it as UTF-8`, error);
  }
}

function unreadable(file: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'CONFIG_INVALID':
      return error as Error;
    case 'ENOENT':
      return invalid(`${file} does not exist: check the path given with --config`, error);
    case 'EISDIR':
      return invalid(`${file} is a directory: name the file in it`, error);
    case 'EACCES':
      return invalid(`${file} may not be read by this user: change its permissions`, error);
    default:
      return invalid(`${file} cannot be read (${code ?? 'unknown error'}): check the path`, error);
  }
}
