import { applySchema } from './apply-schema.js';
import type { SourceConfig } from './config.js';
import {
  belongsTo,
  type Context,
  mappingAt,
  namedMembers,
  optionsByVariant,
  variantOf,
} from './context.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import { child } from './pointer.js';
import { resolveVerify, warnOfWeakSecret } from './verify.js';
import { resolveWriteKeys } from './write-keys.js';

/** The `sources` section, references replaced. Complete only where no problem was found. */
export function resolveSources(value: JsonValue, context: Context): Record<string, SourceConfig> {
  const sources = mappingAt(value, '/sources', context) ?? {};
  if (Object.keys(sources).length === 0)
    context.warnings.push('there are no sources: nothing can be received');
  const resolved: Record<string, SourceConfig> = {};
  for (const [name, member, pointer] of namedMembers(sources, '/sources', context)) {
    const source = resolveSource(member, pointer, context);
    if (source) resolved[name] = source;
  }
  return resolved;
}

function resolveSource(
  value: JsonValue,
  pointer: string,
  context: Context,
): SourceConfig | undefined {
  const { schemas, problems } = context;
  if (!isObject(value)) {
    problems.add(pointer, 'must be a mapping with type and verify');
    return undefined;
  }
  const options = optionsByVariant(schemas, 'source');
  const type = variantOf(value, 'type', [...options.keys()], pointer, context);
  // Write keys authenticate by themselves.
  const byKey = type !== undefined && options.get(type)?.includes('verify') === false;
  const verify = byKey ? [] : resolveVerify(value['verify'], child(pointer, 'verify'), context);
  if (type === undefined) return undefined;
  // The stand-ins keep the schema's own alternatives out of it: their errors would be about all of them at once.
  const source: JsonObject = byKey
    ? { ...value, ...standInKeys(value) }
    : { ...value, verify: { scheme: 'none' } };
  const fits = applySchema(schemas.part(`source-${type}`), source, pointer, context, (option) =>
    belongsTo(option, 'type', type, options),
  );
  if (!fits) return undefined;
  return {
    ...DEFAULTS,
    ...withBurst(source),
    path: trimSlash(String(source['path'])),
    verify,
    ...(byKey ? byWriteKeys(value, pointer, context) : {}),
  } as unknown as SourceConfig;
}

function standInKeys(value: JsonObject): JsonObject {
  return value['writeKeys'] === undefined ? {} : { writeKeys: ['stand-in'] };
}

/** Browsers send to these sources from any page; that is what they are for. */
const ANY_PAGE = { origins: ['*'], credentials: true };

function byWriteKeys(value: JsonObject, pointer: string, context: Context): object {
  const writeKeys = resolveWriteKeys(value['writeKeys'], child(pointer, 'writeKeys'), context);
  const { cors, oauth } = value;
  if (isObject(oauth)) warnOfWeakSecrets(oauth, child(pointer, 'oauth'), context);
  return { writeKeys, cors: isObject(cors) ? { ...cors, credentials: true } : ANY_PAGE };
}

function warnOfWeakSecrets(oauth: JsonObject, pointer: string, context: Context): void {
  const { secret, previousSecrets } = oauth;
  if (typeof secret === 'string') warnOfWeakSecret(secret, child(pointer, 'secret'), context);
  for (const [at, previous] of [previousSecrets ?? []].flat().entries()) {
    if (typeof previous !== 'string') continue;
    warnOfWeakSecret(previous, child(child(pointer, 'previousSecrets'), at), context);
  }
}

/** A segment source has no `query` to write, and nobody asks it for one. */
const DEFAULTS = { query: { types: 'spec', type: 'track' } };

function withBurst(source: JsonObject): JsonObject {
  const limit = source['rateLimit'];
  if (!isObject(limit)) return source;
  const burst = Math.ceil(Number(limit['perSecond']));
  return { ...source, rateLimit: { burst, ...limit } };
}

/** `/segment/` and `/segment` are one path. */
function trimSlash(path: string): string {
  return path === '/' ? path : path.replace(/\/$/, '');
}
