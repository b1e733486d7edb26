import { configInvalid } from '../core/errors.js';
import { isObject } from '../core/json.js';
import { crossCheck } from './checks.js';
import type { Config } from './config.js';
import type { Context, Overrides } from './context.js';
import { type Environment, type References, substitute } from './document/references.js';
import { deepFreeze } from './freeze.js';
import { type Origin, Problems } from './problems/problems.js';
import type { Schemas } from './schema/compile.js';
import { conceal } from './secrets/conceal.js';
import type { DefaultSecret } from './secrets/defaults.js';
import { readSections } from './sections/table.js';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

export interface ResolveInput {
  /** The value as read from the file or passed by the caller. null and undefined mean an empty file. */
  readonly value: unknown;
  readonly origin: Origin;
  readonly env: Environment;
  readonly overrides: Overrides;
  readonly dataDir: string;
  readonly keepSecrets: boolean;
  readonly schemas: Schemas;
}

/** A secret of a default source, for the banner at the start. Not for the log. */
interface ShownSecret extends DefaultSecret {
  readonly vendor: 'segment' | 'rudderstack';
  readonly path: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly logLevel: LogLevel;
  /** One line each, without secrets: what is allowed but probably unintended. */
  readonly warnings: readonly string[];
  /** Empty if sources are configured. */
  readonly secrets: readonly ShownSecret[];
}

/** Turns the written configuration into the one that the program runs on. Throws only CONFIG_INVALID. */
export function resolve({ value, origin, ...input }: ResolveInput): LoadedConfig {
  const logLevel = logLevelFrom(input.env);
  const problems = new Problems(origin);
  const references: References = { whole: new Map(), all: new Set() };
  const context: Context = {
    ...input,
    isShared: false,
    references,
    problems,
    warnings: [],
    secrets: [],
  };

  const file = substitute(value ?? {}, '', input.env, references, problems);
  if (!isObject(file)) {
    const sections = input.schemas.sections.filter((name) => !name.startsWith('$'));
    problems.add('', `must be a mapping of ${sections.join(', ')}`);
  }
  problems.throwIfAny();
  const config = readSections(isObject(file) ? file : {}, context);
  crossCheck(config, context);
  problems.throwIfAny();
  return {
    config: deepFreeze(conceal(config)),
    logLevel,
    warnings: context.warnings,
    secrets: context.secrets.map((secret) => ({
      ...secret,
      vendor: secret.name,
      path: config.sources[secret.name]?.path ?? '',
    })),
  };
}

function logLevelFrom(env: Environment): LogLevel {
  const text = env['LOG_LEVEL'] || 'info';
  const level = LOG_LEVELS.find((known) => known === text.toLowerCase());
  if (level) return level;
  throw configInvalid(
    `LOG_LEVEL in the environment must be one of ${LOG_LEVELS.join(', ')}; set one of them`,
  );
}
