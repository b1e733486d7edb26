import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { SinkConfig } from '../config.js';
import { type Context, mappingAt, namedMembers } from '../context.js';
import { suggestion } from '../problems/nearest.js';
import { applySchema } from '../schema/apply.js';
import { belongsTo, chosenOf } from './variant.js';

/**
 * Reads the `sinks` section with references replaced. If it is omitted, returns the default sinks, with their files in
 * `dataDir`. The result is complete only if no problem was found.
 */
export function readSinks(
  value: JsonValue | undefined,
  context: Context,
): Record<string, SinkConfig> {
  const written = value === undefined ? defaultSinks(context) : value;
  const sinks = mappingAt(written, '/sinks', context) ?? {};
  const resolved: Record<string, SinkConfig> = {};
  for (const [name, member, pointer] of namedMembers(sinks, '/sinks', context)) {
    const sink = readSink(member, pointer, context);
    if (sink) resolved[name] = sink;
  }
  return resolved;
}

function defaultSinks({ dataDir, schemas }: Context): JsonValue {
  const sinks = schemas.defaultOf('sinks');
  if (!isObject(sinks)) throw new TypeError('the schema has no default sinks');
  for (const sink of Object.values(sinks)) {
    if (!isObject(sink) || typeof sink['path'] !== 'string') continue;
    sink['path'] = sink['path'].replace(/^\.\/data(?=\/)/, () => dataDir);
  }
  return sinks;
}

function readSink(value: JsonValue, pointer: string, context: Context): SinkConfig | undefined {
  const { schemas, problems } = context;
  if (!isObject(value)) {
    problems.add(pointer, 'must be a mapping with a type');
    return undefined;
  }
  const type = chosenOf('type', value, schemas.sinkTypes, pointer, context);
  if (type === undefined) return undefined;

  // A sink's own option replaces the common one of the same name: the formats of stdout are its own.
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
    `is not a known option${suggestion(option, [...own, ...common])}`;
  const fits = applySchema(schemas.part('sink'), shared, pointer, context);
  if (!applySchema(schemas.sink(type), options, pointer, context, unknown) || !fits)
    return undefined;
  const { format } = shared;
  return { ...shared, format: format === 'cloudevents' ? format : 'canonical', options };
}

/** Fills in omitted members, also inside mappings that are present. */
function addDefaults(target: JsonObject, defaults: JsonObject): void {
  for (const [key, value] of Object.entries(defaults)) {
    const there = target[key];
    if (there === undefined) target[key] = value;
    else if (isObject(there) && isObject(value)) addDefaults(there, value);
  }
}
