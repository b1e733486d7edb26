import { formatUnit, type Unit } from '../../../src/config/schema/units.js';
import { readText } from '../../support/manual.js';
import { table } from './region.js';

/** The keywords of JSON Schema that the configuration's schemas use. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly if?: Schema;
  readonly then?: Schema;
  readonly else?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-unit'?: Unit;
  readonly 'x-defaults'?: Readonly<Record<string, unknown>>;
}

/** One line of a table: the option's dotted path and its resolved schema. */
interface Option {
  readonly path: string;
  readonly schema: Schema;
  readonly required: boolean;
}

export const CONFIG: Schema = JSON.parse(readText('schemas/config.schema.json'));

/** The options schema of a sink type. */
export function sinkSchema(type: string): Schema {
  return JSON.parse(readText(`schemas/sinks/${type}.schema.json`));
}

/** A definition of the configuration schema. Throws when there is none of that name. */
export function definition(name: string): Schema {
  return resolved({ $ref: `#/$defs/${name}` });
}

/** A schema with what it refers to. What stands beside a `$ref` wins. */
export function resolved(schema: Schema): Schema {
  const { $ref, ...beside } = schema;
  if ($ref === undefined) return schema;
  const target = $ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], CONFIG);
  if (target === undefined) throw new Error(`the schema has no ${$ref}`);
  return { ...resolved(target as Schema), ...beside };
}

/** Every source type, as the schema lists them. */
export const SOURCE_TYPES: readonly string[] =
  definition('source').properties?.['type']?.enum?.map(String) ?? [];

/** The options that every source type has, except its type and path. */
export function commonSourceOptions(): readonly string[] {
  const [first = [], ...others] = SOURCE_TYPES.map((type) =>
    Object.keys(definition(`source-${type}`).properties ?? {}),
  );
  return first.filter(
    (name) => name !== 'type' && name !== 'path' && others.every((each) => each.includes(name)),
  );
}

/** The options of a sink type, and the defaults of the common options where this type has others. */
export function sinkOptions(type: string): string {
  const schema = sinkSchema(type);
  const own = defaultsOf(schema['x-defaults'] ?? {}, '');
  const more =
    own.length === 0
      ? ''
      : `\n\nThis sink has other defaults for common options: ${own.join(', ')}.`;
  return `${optionsTable(schema)}${more}`;
}

function defaultsOf(values: object, prefix: string): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? defaultsOf(value, `${prefix}${name}.`)
      : [`\`${prefix}${name}: ${String(value)}\``],
  );
}

/**
 * The table of the options of a schema. Nested options follow the option they belong to, with dotted names. `wanted` chooses
 * options by name.
 */
export function optionsTable(schema: Schema, wanted = (_name: string): boolean => true): string {
  const rows = optionsOf(schema, '')
    .filter(({ path }) => wanted(String(/^[^.[]+/.exec(path))))
    .map((option) => [
      `\`${option.path}\``,
      typeOf(option.schema),
      defaultOf(option),
      option.schema.description ?? '',
    ]);
  return table(['Option', 'Type', 'Default', 'Meaning'], rows);
}

function optionsOf(schema: Schema, prefix: string): readonly Option[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, each]) => {
    const option = resolved(each);
    const path = `${prefix}${name}`;
    const nested = membersOf(option);
    return [
      { path, schema: option, required: schema.required?.includes(name) ?? false },
      ...(nested === undefined ? [] : optionsOf(nested.schema, `${path}${nested.suffix}.`)),
    ];
  });
}

/** The schema whose properties are an option's members: its own, or those of the elements of a list. */
function membersOf(schema: Schema): { schema: Schema; suffix: string } | undefined {
  if (schema.properties !== undefined) return { schema, suffix: '' };
  const items = schema.items === undefined ? undefined : resolved(schema.items);
  if (items?.properties !== undefined) return { schema: items, suffix: '[]' };
  return undefined;
}

/** The type of an option in words, with its bounds. */
function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.anyOf !== undefined)
    return schema.anyOf.map((each) => typeOf(resolved(each))).join(' or ');
  if (schema.if !== undefined && schema.then !== undefined && schema.else !== undefined) {
    return [schema.else, schema.then].map((each) => typeOf(resolved(each))).join(' or ');
  }
  const unit = schema['x-unit'];
  if (unit !== undefined) {
    const more = [schema.type].flat().includes('object') ? ' or mapping' : '';
    return `${unit}${boundsOf(schema, unit)}${more}`;
  }
  const types = [schema.type ?? 'object'].flat();
  return types.map((type) => oneType(type, schema)).join(' or ');
}

function oneType(type: string, schema: Schema): string {
  if (type === 'array') {
    const items = schema.items === undefined ? 'any' : typeOf(resolved(schema.items));
    return `list of ${items.replace(/^string$/, 'strings').replace(/^mapping$/, 'mappings')}`;
  }
  if (type === 'object') return 'mapping';
  if (type === 'integer' || type === 'number') return `${type}${boundsOf(schema)}`;
  return type;
}

function boundsOf({ minimum, maximum }: Schema, unit?: Unit): string {
  const write = (value: number): string =>
    unit === undefined ? value.toLocaleString('en-US') : `\`${formatUnit(value, unit)}\``;
  // Bounds that only keep numbers exact, or that nobody meets, say nothing.
  const low =
    minimum !== undefined && minimum > (unit === undefined ? -1 : 1) ? minimum : undefined;
  const high = maximum !== undefined && maximum < 2 ** 40 ? maximum : undefined;
  if (low !== undefined && high !== undefined) return `, ${write(low)} to ${write(high)}`;
  if (low !== undefined) return `, at least ${write(low)}`;
  return high === undefined ? '' : `, at most ${write(high)}`;
}

function defaultOf({ schema, required }: Option): string {
  if (required) return 'required';
  // The members say theirs.
  if (schema.default === undefined || JSON.stringify(schema.default) === '{}') return '';
  return code(schema.default);
}

function code(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' ? '`""`' : `\`${text}\``;
}
