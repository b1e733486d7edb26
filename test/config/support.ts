import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFile } from '../../src/config/document/parse.js';
import type { LoadedConfig, LoadInput } from '../../src/config/load.js';
import { resolve } from '../../src/config/resolve.js';
import { loadSchemas } from '../../src/config/schema/compile.js';
import { TrackbridgeError, type Violation } from '../../src/core/errors.js';

/** Once for all tests of a file: their validators take longer to compile than everything else does. */
const schemas = loadSchemas();

/** 43 characters, as the generated ones. */
export const SECRET = 'an-unguessable-secret-for-tests-0123456789a';

export const ENV = { SEGMENT_SHARED_SECRET: SECRET, RUDDERSTACK_SHARED_SECRET: SECRET };

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'trackbridge-config-'));
}

const UNSAID = { env: ENV, overrides: {}, dataDir: './data', keepSecrets: false, schemas };

/** Resolves a text as if it were the file `trackbridge.yaml`; unless told, nothing is generated or written. */
export function load(text: string, input: Partial<LoadInput> = {}): LoadedConfig {
  const file = 'trackbridge.yaml';
  const { value, locate } = parseFile(text, file);
  return resolve({ ...UNSAID, ...input, value, origin: { file, locate } });
}

export function fromObject(value: unknown, env: Record<string, string> = ENV): LoadedConfig {
  return resolve({ ...UNSAID, env, value, origin: {} });
}

/** The error that `run` fails with; fails the test where there is none, or another kind. */
export function configErrorOf(
  run: () => unknown,
): TrackbridgeError & { errors: readonly Violation[] } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof TrackbridgeError)) throw error;
    if (error.code !== 'CONFIG_INVALID' || !error.errors) throw error;
    return Object.assign(error, { errors: error.errors });
  }
  throw new Error('nothing was thrown');
}

/** All lines of a configuration that is refused. */
export function problemsOf(text: string, input: Partial<LoadInput> = {}): string[] {
  return configErrorOf(() => load(text, input)).errors.map(({ message }) => message);
}

/** A source to hang an option on, as YAML flow text. */
export function source(options: string): string {
  return `sources: { s: { type: segment, verify: { scheme: none }, ${options} } }`;
}

/** A RudderStack source to hang a `verify` on. */
export function verified(verify: string): string {
  return `sources: { s: { type: rudderstack, verify: ${verify} } }`;
}
