import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { ConfigParts } from '../generated/options.js';
import { parseUnit } from './units.js';

/** The JSON Schemas of the configuration: one for the common options, and one per sink type for its own. */
export interface Schemas {
  /**
   * Returns a named part of `config.schema.json`. Its validator also fills in defaults and converts units, in place.
   */
  part<Name extends keyof ConfigParts>(name: Name): ValidateFunction<ConfigParts[Name]>;
  /** Returns the part `KIND-NAME`. */
  variant<T>(kind: string, name: string): ValidateFunction<T>;
  /** Returns whether a text can be the name of a source or a sink. */
  isName(text: unknown): boolean;
  /** Returns the names after `prefix-`: the valid values of `type` or `scheme`. */
  variants(prefix: string): readonly string[];
  /** Returns the option names of a part. */
  optionsOf(name: string): readonly string[];
  /** Returns the default of a top-level section. */
  defaultOf(section: string): JsonValue | undefined;
  readonly sections: readonly string[];
  readonly sinkTypes: readonly string[];
  sink(type: string): ValidateFunction;
  sinkOptions(type: string): readonly string[];
  /** Returns a sink type's own defaults for the options that all sinks have. */
  sinkDefaults(type: string): JsonObject;
}

/** The same location from `src` and from `dist`. */
const HERE = new URL('../../../schemas/', import.meta.url);

const SUFFIX = '.schema.json';

/** Reads the shipped schemas. Validators are compiled on first use. A broken schema throws ajv's own error. */
export function loadSchemas(directory: URL = HERE): Schemas {
  const root = readSchema(new URL('config.schema.json', directory));
  const sinkTypes = readdirSync(new URL('sinks/', directory))
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
  const sinks = new Map(
    sinkTypes.map((type) => [type, readSchema(new URL(`sinks/${type}${SUFFIX}`, directory))]),
  );
  const definitions = memberOf(root, '$defs');
  const sections = memberOf(root, 'properties');
  const ajv = createAjv();
  // Only the definitions are added: with the rest, ajv would compile the whole schema along with the first part.
  ajv.addSchema({ $defs: definitions }, 'config');

  const part = <T>(name: string): ValidateFunction<T> =>
    known(ajv.getSchema<T>(`config#/$defs/${name}`), name) as ValidateFunction<T>;

  return {
    part: (name) => part(name),
    variant: (kind, name) => part(`${kind}-${name}`),
    isName: (text) => part('name')(text),
    variants: (prefix) =>
      Object.keys(definitions)
        .filter((name) => name.startsWith(`${prefix}-`))
        .map((name) => name.slice(prefix.length + 1)),
    optionsOf: (name) => Object.keys(memberOf(memberOf(definitions, name), 'properties')),
    defaultOf: (section) => structuredClone(memberOf(sections, section)['default']),
    sections: Object.keys(sections),
    sinkTypes,
    sink: (type) => ajv.compile(known(sinks.get(type), type)),
    sinkOptions: (type) => Object.keys(memberOf(known(sinks.get(type), type), 'properties')),
    sinkDefaults: (type) => structuredClone(memberOf(known(sinks.get(type), type), 'x-defaults')),
  };
}

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    useDefaults: true,
    // A duration is a text or a number.
    allowUnionTypes: true,
    strictTypes: false,
    strictRequired: false,
    // A test validates the schemas against the meta-schema: it takes longer than everything else here.
    validateSchema: false,
  });
  formats.default(ajv);
  ajv.addKeyword({ keyword: 'x-expect', schemaType: 'string' });
  ajv.addKeyword({ keyword: 'x-defaults', schemaType: 'object' });
  ajv.addKeyword({
    keyword: 'x-unit',
    schemaType: 'string',
    modifying: true,
    validate: (
      unit: 'duration' | 'size',
      data: unknown,
      _schema?: unknown,
      at?: { parentData: Record<PropertyKey, unknown>; parentDataProperty: PropertyKey },
    ) => {
      if (typeof data === 'number') return Number.isSafeInteger(data) && data >= 0;
      // `type` reports any other value.
      if (typeof data !== 'string' || !at) return true;
      const value = parseUnit(data, unit);
      if (value !== undefined) at.parentData[at.parentDataProperty] = value;
      return value !== undefined;
    },
  });
  return ajv;
}

function readSchema(file: URL): JsonObject {
  const schema: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isObject(schema)) throw new TypeError(`${file.pathname} is not a JSON Schema object`);
  return schema;
}

function memberOf(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

function known<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new TypeError(`there is no schema for ${name}`);
  return value;
}
