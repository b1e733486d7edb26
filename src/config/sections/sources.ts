import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { SourceConfig } from '../config.js';
import { type Context, mappingAt, namedMembers } from '../context.js';
import { substitute } from '../document/references.js';
import type { ConfigParts } from '../generated/options.js';
import { child } from '../problems/pointer.js';
import { defaultSecrets, missingSecrets } from '../secrets/defaults.js';
import { chosen, fitted } from './variant.js';
import { readVerify, warnOfWeakSecret } from './verify.js';
import { readWriteKeys } from './write-keys.js';

/** Reads the `sources` section. If it is omitted, returns the default sources with their secrets. */
export function readSources(
  value: JsonValue | undefined,
  context: Context,
): Record<string, SourceConfig> {
  const written = value === undefined ? defaultSources(context) : value;
  const sources = mappingAt(written, '/sources', context) ?? {};
  if (Object.keys(sources).length === 0)
    context.warnings.push('there are no sources: nothing can be received');
  const read: Record<string, SourceConfig> = {};
  for (const [name, member, pointer] of namedMembers(sources, '/sources', context)) {
    const source = readSource(member, pointer, context);
    if (source) read[name] = source;
  }
  return read;
}

/** Returns the default sources of the schema, with their secrets filled in, whatever the origin of those. */
function defaultSources(context: Context): JsonValue {
  const { dataDir, env, isShared, keepSecrets, problems, references, schemas, secrets, warnings } =
    context;
  // Secrets are generated and stored only if the configuration is valid so far.
  problems.throwIfAny();
  if (isShared) {
    // Each member would generate its own, and all others would reject what is signed with it.
    for (const variable of missingSecrets(env)) {
      problems.add(
        '/sources',
        `is missing, and so is ${variable}: members that share a store cannot generate secrets; set ${variable}, or configure the sources`,
      );
    }
    problems.throwIfAny();
  }
  secrets.push(...defaultSecrets(env, dataDir, keepSecrets, warnings));
  const known = Object.fromEntries(secrets.map(({ variable, secret }) => [variable, secret]));
  return substitute(schemas.defaultOf('sources'), '/sources', known, references, problems);
}

function readSource(value: JsonValue, pointer: string, context: Context): SourceConfig | undefined {
  const { schemas, problems } = context;
  if (!isObject(value)) {
    problems.add(pointer, 'must be a mapping with type and verify');
    return undefined;
  }
  const type = chosen('source', value, pointer, context);
  // A source with write keys needs no scheme.
  const byKey = type !== undefined && !schemas.optionsOf(`source-${type}`).includes('verify');
  const verify = byKey ? [] : readVerify(value['verify'], child(pointer, 'verify'), context);
  if (type === undefined) return undefined;
  // Placeholders hide the schema's alternatives for `verify` from this validation: its errors would concern all
  // alternatives at once.
  const written: JsonObject = byKey
    ? { ...value, ...standInKeys(value) }
    : { ...value, verify: { scheme: 'none' } };
  const source = fitted('source', type, written, pointer, context);
  if (source === undefined) return undefined;
  const { rateLimit, ...own } = source;
  const common = { path: trimSlash(own.path), verify, ...(rateLimit && withBurst(rateLimit)) };
  if (own.type === 'segment' || own.type === 'rudderstack') return { ...own, ...common };
  const writeKeys = readWriteKeys(value['writeKeys'], child(pointer, 'writeKeys'), context);
  if (own.type === 'tracking-api' && own.oauth !== undefined) {
    warnOfWeakSecrets(own.oauth, child(pointer, 'oauth'), context);
  }
  const cors = own.cors === undefined ? ANY_PAGE : { ...own.cors, credentials: true };
  return { ...own, ...common, writeKeys, cors };
}

function standInKeys(value: JsonObject): JsonObject {
  return value['writeKeys'] === undefined ? {} : { writeKeys: ['stand-in'] };
}

/** Browsers send to these sources from any page, by design. */
const ANY_PAGE = { origins: ['*'], credentials: true };

function warnOfWeakSecrets(
  { secret, previousSecrets }: ConfigParts['oauth'],
  pointer: string,
  context: Context,
): void {
  warnOfWeakSecret(secret, child(pointer, 'secret'), context);
  for (const [at, previous] of previousSecrets.entries()) {
    warnOfWeakSecret(previous, child(child(pointer, 'previousSecrets'), at), context);
  }
}

function withBurst(limit: ConfigParts['rateLimit']) {
  return { rateLimit: { burst: Math.ceil(limit.perSecond), ...limit } };
}

/** `/segment/` and `/segment` are the same path. */
function trimSlash(path: string): string {
  return path === '/' ? path : path.replace(/\/$/, '');
}
