import { readdirSync, readFileSync } from 'node:fs';
import { isObject, type JsonObject, type JsonValue } from '../../../src/core/json.js';

const SCHEMAS = new URL('../../../schemas/', import.meta.url);
const SUFFIX = '.schema.json';
const HEAD = '// Generated from the schemas by `npm run config-types`. Change those, and run it.\n';

/** The files that are generated, by path below the repository, and their text. */
export function generatedTypes(): ReadonlyMap<string, string> {
  const names = readdirSync(new URL('sinks/', SCHEMAS)).sort();
  const sinks = names.map((name) => [name.replace(SUFFIX, ''), read(`sinks/${name}`)] as const);
  return new Map([
    ['src/config/generated/options.ts', configOptions(read('config.schema.json'))],
    ['src/config/generated/sink-options.ts', sinkOptions(sinks)],
  ]);
}

function read(name: string): JsonObject {
  const schema: unknown = JSON.parse(readFileSync(new URL(name, SCHEMAS), 'utf8'));
  if (!isObject(schema)) throw new Error(`${name} is no object`);
  return schema;
}

/** One interface for each part of the configuration that has options of its own, and the table of them. */
function configOptions(root: JsonObject): string {
  const parts = Object.entries(objectAt(root, '$defs')).flatMap(([name, schema]) =>
    isObject(schema) && hasOptions(schema) ? [[name, schema] as const] : [],
  );
  return [
    HEAD,
    "import type { JsonObject } from '../../core/json.js';\n",
    ...parts.map(([name, schema]) => interfaceOf(nameOf(name), schema, root)),
    tableOf(
      'ConfigParts',
      'The options of each part, by its name in `config.schema.json`.',
      parts.map(([name]) => [name, nameOf(name)]),
    ),
  ].join('\n');
}

function sinkOptions(sinks: readonly (readonly [string, JsonObject])[]): string {
  return [
    HEAD,
    "import type { JsonObject } from '../../core/json.js';\n",
    ...sinks.map(([type, schema]) => interfaceOf(nameOf(type), schema, schema)),
    tableOf(
      'SinkOptions',
      'The options of each type of sink.',
      sinks.map(([type]) => [type, nameOf(type)]),
    ),
  ].join('\n');
}

/** A part that only says which other part applies has none. */
function hasOptions(schema: JsonObject): boolean {
  const options = Object.keys(objectAt(schema, 'properties'));
  const chooses = schema['additionalProperties'] !== false && options.length <= 1;
  return schema['type'] === 'object' && !chooses;
}

function nameOf(part: string): string {
  const words = part.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}Options`;
}

function interfaceOf(name: string, schema: JsonObject, root: JsonObject): string {
  const description = String(schema['description'] ?? schema['title']);
  const members = membersOf(schema, root).map((member) => `  ${member}\n`);
  return `/** ${description} */\ninterface ${name} {\n${members.join('')}}\n`;
}

function tableOf(
  name: string,
  description: string,
  rows: readonly (readonly [key: string, type: string])[],
): string {
  const members = rows.map(([key, type]) => `  readonly ${keyOf(key)}: ${type};\n`);
  return `/** ${description} */\nexport interface ${name} {\n${members.join('')}}\n`;
}

/** What is left of the options once defaults are filled in: one with a default is always there. */
function membersOf(schema: JsonObject, root: JsonObject): string[] {
  const required = new Set([schema['required'] ?? []].flat());
  return Object.entries(objectAt(schema, 'properties')).map(([key, option]) => {
    if (!isObject(option)) throw new Error(`${key} is no schema`);
    const isThere = required.has(key) || option['default'] !== undefined;
    return `readonly ${keyOf(key)}${isThere ? '' : '?'}: ${typeOf(option, root)};`;
  });
}

function keyOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`;
}

function typeOf(schema: JsonObject, root: JsonObject): string {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return referred(reference, root);
  if (schema['const'] !== undefined) return literal(schema['const']);
  if (Array.isArray(schema['enum'])) return schema['enum'].map(literal).join(' | ');
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (schema['type'] === undefined && Array.isArray(alternatives)) {
    return unionOf(alternatives, root);
  }
  const types = [schema['type'] ?? []].flat().filter((type) => {
    // A text with a unit is a number once it was read.
    return type !== 'string' || schema['x-unit'] === undefined;
  });
  if (types.length === 0) return 'unknown';
  return [...new Set(types.map((type) => oneType(type, schema, root)))].join(' | ');
}

function unionOf(alternatives: readonly JsonValue[], root: JsonObject): string {
  const types = alternatives.map((each) => typeOf(isObject(each) ? each : {}, root));
  return [...new Set(types)].join(' | ');
}

function oneType(type: JsonValue, schema: JsonObject, root: JsonObject): string {
  switch (type) {
    case 'integer':
      return 'number';
    case 'object':
      return objectType(schema, root);
    case 'array': {
      const item = isObject(schema['items']) ? typeOf(schema['items'], root) : 'unknown';
      return `readonly ${item.includes(' ') ? `(${item})` : item}[]`;
    }
    default:
      return String(type);
  }
}

function objectType(schema: JsonObject, root: JsonObject): string {
  const members = membersOf(schema, root);
  if (members.length > 0) return `{ ${members.join(' ').replace(/;$/, '')} }`;
  const values = schema['additionalProperties'];
  return isObject(values) ? `Readonly<Record<string, ${typeOf(values, root)}>>` : 'JsonObject';
}

/** A part with options is referred to by its name; anything else stands where it is used. */
function referred(reference: string, root: JsonObject): string {
  const keys = reference.replace(/^#\//, '').split('/');
  const target = keys.reduce<JsonValue | undefined>(
    (at, key) => (isObject(at) ? at[key] : undefined),
    root,
  );
  if (!isObject(target)) throw new Error(`${reference} leads nowhere`);
  const [, part = ''] = keys;
  return keys.length === 2 && hasOptions(target) ? nameOf(part) : typeOf(target, root);
}

function literal(value: JsonValue): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}
