import { applySchema } from './apply-schema.js';
import type { SinkConfig } from './config.js';
import { belongsTo, type Context, mappingAt, namedMembers, variantOf } from './context.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import { suggestion } from './nearest.js';

/**
 * The `sinks` section, references replaced; the default ones, with their files in `dataDir`, where it is left out.
 * Complete only where no problem was found.
 */
export function resolveSinks(
  value: JsonValue | undefined,
  dataDir: string,
  context: Context,
): Record<string, SinkConfig> {
  const written = value === undefined ? defaultSinks(dataDir, context) : value;
  const sinks = mappingAt(written, '/sinks', context) ?? {};
  const resolved: Record<string, SinkConfig> = {};
  for (const [name, member, pointer] of namedMembers(sinks, '/sinks', context)) {
    const sink = resolveSink(member, pointer, context);
    if (sink) resolved[name] = sink;
  }
  return resolved;
}

function defaultSinks(dataDir: string, { schemas }: Context): JsonValue {
  const sinks = schemas.defaultOf('sinks');
  if (!isObject(sinks)) throw new TypeError('the schema has no default sinks');
  for (const sink of Object.values(sinks)) {
    if (!isObject(sink) || typeof sink['path'] !== 'string') continue;
    sink['path'] = sink['path'].replace(/^\.\/data(?=\/)/, () => dataDir);
  }
  return sinks;
}

function resolveSink(value: JsonValue, pointer: string, context: Context): SinkConfig | undefined {
  const { schemas, problems } = context;
  if (!isObject(value)) {
    problems.add(pointer, 'must be a mapping with a type');
    return undefined;
  }
  const type = variantOf(value, 'type', schemas.sinkTypes, pointer, context);
  if (type === undefined) return undefined;

  // A sink's own option hides the common one of that name: the formats of stdout are its own.
  const own = schemas.sinkOptions(type);
  const common = schemas.optionsOf('sink').filter((option) => !own.includes(option));
  const shared: JsonObject = {};
  const options: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    if (common.includes(key)) shared[key] = member;
    else options[key] = member;
  }
  addDefaults(shared, schemas.sinkDefaults(type));
  const known = new Map(schemas.sinkTypes.map((name) => [name, schemas.sinkOptions(name)]));
  const unknown = (option: string): string =>
    belongsTo(option, 'type', type, known) ??
    `is not known${suggestion(option, [...own, ...common])}`;
  applySchema(schemas.part('sink'), shared, pointer, context);
  applySchema(schemas.sink(type), options, pointer, context, unknown);
  return { ...shared, options } as unknown as SinkConfig;
}

/** Adds what is left out, also inside of mappings that are there. */
function addDefaults(target: JsonObject, defaults: JsonObject): void {
  for (const [key, value] of Object.entries(defaults)) {
    const there = target[key];
    if (there === undefined) target[key] = value;
    else if (isObject(there) && isObject(value)) addDefaults(there, value);
  }
}
