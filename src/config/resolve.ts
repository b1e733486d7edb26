import { crossCheck } from './checks.js';
import { conceal } from './conceal.js';
import type { Config } from './config.js';
import type { Context } from './context.js';
import { deepFreeze } from './freeze.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import { suggestion } from './nearest.js';
import { child } from './pointer.js';
import { invalid, type Origin, Problems } from './problems.js';
import { type Environment, type References, substitute } from './references.js';
import type { Schemas } from './schemas.js';
import { type DefaultSecret, defaultSecrets } from './secrets.js';
import { type Overrides, resolveAdmin, resolveOutbox, resolveServer } from './sections.js';
import { resolveSinks } from './sinks.js';
import { resolveSources } from './sources.js';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

export interface ResolveInput {
  /** What the file or the caller says, as it was read; null and undefined stand for an empty file. */
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
  /** One line each, without secrets: what is allowed but probably not meant. */
  readonly warnings: readonly string[];
  /** Empty where sources are configured. */
  readonly secrets: readonly ShownSecret[];
}

/** From what was written to what the program runs on. Throws CONFIG_INVALID and nothing else. */
export function resolve(input: ResolveInput): LoadedConfig {
  const { env, schemas, overrides, dataDir } = input;
  const logLevel = logLevelFrom(env);
  const problems = new Problems(input.origin);
  const references: References = { whole: new Map(), all: new Set() };
  const context: Context = { schemas, references, problems, warnings: [] };

  const value = substitute(input.value ?? {}, '', env, references, problems);
  problems.throwIfAny();
  const file = topLevel(value, context);

  const server = resolveServer(file['server'], overrides, env, context);
  const admin = resolveAdmin(file['admin'], context);
  const outbox = resolveOutbox(file['outbox'], dataDir, context);
  const sinks = resolveSinks(file['sinks'], dataDir, context);
  let written = file['sources'];
  let secrets: readonly DefaultSecret[] = [];
  if (written === undefined) {
    // Only a configuration that is right so far makes secrets and writes them down.
    problems.throwIfAny();
    secrets = defaultSecrets(env, dataDir, input.keepSecrets, context.warnings);
    written = defaultSources(secrets, context);
  }
  const sources = resolveSources(written, context);
  problems.throwIfAny();

  const config: Config = { server, ...(admin && { admin }), outbox, sources, sinks };
  crossCheck(config, context);
  problems.throwIfAny();
  return {
    config: deepFreeze(conceal(config)),
    logLevel,
    warnings: context.warnings,
    secrets: secrets.map((secret) => ({
      ...secret,
      vendor: secret.name,
      path: sources[secret.name]?.path ?? '',
    })),
  };
}

function topLevel(value: JsonValue, { schemas, problems }: Context): JsonObject {
  const sections = schemas.sections.filter((name) => !name.startsWith('$'));
  if (!isObject(value)) {
    problems.add('', `must be a mapping of ${sections.join(', ')}`);
    problems.throwIfAny();
    return {};
  }
  for (const key of Object.keys(value)) {
    if (schemas.sections.includes(key)) continue;
    problems.add(child('', key), `is not known${suggestion(key, sections)}`, 'key');
  }
  return value;
}

/** The default sources of the schema, whose references are filled with the secrets wherever those came from. */
function defaultSources(secrets: readonly DefaultSecret[], context: Context): JsonValue {
  const env = Object.fromEntries(secrets.map(({ variable, secret }) => [variable, secret]));
  const sources = context.schemas.defaultOf('sources');
  return substitute(sources, '/sources', env, context.references, context.problems);
}

function logLevelFrom(env: Environment): LogLevel {
  const text = env['LOG_LEVEL'] || 'info';
  const level = LOG_LEVELS.find((known) => known === text.toLowerCase());
  if (level) return level;
  throw invalid(
    `LOG_LEVEL in the environment must be one of ${LOG_LEVELS.join(', ')}; set one of them`,
  );
}
