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
import { resolveVerify } from './verify.js';

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
  const verify = resolveVerify(value['verify'], child(pointer, 'verify'), context);
  if (type === undefined) return undefined;
  // The stand-in keeps the schema's own alternatives out of it: their errors would be about all schemes at once.
  const source: JsonObject = { ...value, verify: { scheme: 'none' } };
  const fits = applySchema(schemas.part(`source-${type}`), source, pointer, context, (option) =>
    belongsTo(option, 'type', type, options),
  );
  if (!fits) return undefined;
  return {
    ...DEFAULTS,
    ...withBurst(source),
    path: trimSlash(String(source['path'])),
    verify,
  } as unknown as SourceConfig;
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
