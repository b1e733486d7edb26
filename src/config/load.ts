import { readFileSync, statSync } from 'node:fs';
import { configInvalid } from '../core/errors.js';
import type { Overrides } from './context.js';
import { parseFile } from './document/parse.js';
import type { Environment } from './document/references.js';
import { type LoadedConfig, resolve } from './resolve.js';
import { loadSchemas } from './schema/compile.js';

export type { LoadedConfig };

export interface LoadOptions {
  /** The directory of default paths and generated secrets. Default: `./data`. */
  readonly dataDir?: string;
  /** If false, generated secrets are not written to disk, for a check that must leave no trace. */
  readonly keepSecrets?: boolean;
}

export interface LoadInput extends LoadOptions {
  /** The path of a YAML or JSON file. If absent, all defaults apply. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** Options of the command line, which override the file. */
  readonly overrides?: Overrides;
  /** Lets a command change the file's value (undefined if there is no file) before it is checked. */
  readonly amend?: (value: unknown) => unknown;
}

/** Many times the size of any real configuration. */
const MAX_FILE = 4 * 1024 * 1024;

/**
 * Reads the configuration file and the environment (no other code does), and checks both. The result is frozen.
 * Durations are milliseconds, sizes bytes. Throws CONFIG_INVALID, whose `errors` list every problem with file, line and
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

/** Does the same for a configuration that a host application passes as an object. Its errors have no line numbers. */
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
      throw configInvalid(`${file} is larger than 4 MB, the limit for a configuration file`);
    bytes = readFileSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  try {
    // Strips a byte order mark, which editors on Windows write.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw configInvalid(`${file} is not UTF-8; save it as UTF-8`, error);
  }
}

function unreadable(file: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'CONFIG_INVALID':
      return error as Error;
    case 'ENOENT':
      return configInvalid(`${file} does not exist; check the path given with --config`, error);
    case 'EISDIR':
      return configInvalid(`${file} is a directory; give the path of a file`, error);
    case 'EACCES':
      return configInvalid(`${file} is not readable by this user; change its permissions`, error);
    default:
      return configInvalid(
        `${file} cannot be read (${code ?? 'unknown error'}); check the path`,
        error,
      );
  }
}
