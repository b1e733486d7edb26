import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';

export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

/** The types that a schema gives a field, and its nested fields. */
export interface SpecTypes {
  /** The allowed types, in the schema's order; empty if the schema does not know the field. */
  readonly types: readonly JsonType[];
  member(name: string): SpecTypes;
  item(index: number): SpecTypes;
}

const TYPES: ReadonlySet<unknown> = new Set<JsonType>([
  'null',
  'boolean',
  'integer',
  'number',
  'string',
  'array',
  'object',
]);

const UNKNOWN: SpecTypes = { types: [], member: () => UNKNOWN, item: () => UNKNOWN };

/**
 * Looks up the types of fields in a JSON Schema. `part` selects the schema of that name in `$defs` (the shipped
 * `schemas/spec.schema.json` has `properties` and `traits`); a schema without it is used as a whole.
 *
 * Understands `type`, `const`, `enum`, `properties`, `additionalProperties`, `items`, `prefixItems`, `anyOf`, `oneOf`,
 * `allOf` and `$ref` within the schema. Other keywords and broken references are ignored.
 */
export function createSpecTypes(schema: object, part?: 'properties' | 'traits'): SpecTypes {
  // A schema file is always JSON, which the type `object` does not express.
  const root = schema as JsonObject;
  const picked = part === undefined ? undefined : ownMember(ownMember(root, '$defs'), part);
  return nodeOf([picked ?? root], root);
}

function nodeOf(schemas: readonly JsonValue[], root: JsonObject): SpecTypes {
  const known = expand(schemas, root);
  return known.length === 0 ? UNKNOWN : new SchemaNode(known, root);
}

class SchemaNode implements SpecTypes {
  readonly types: readonly JsonType[];
  readonly #schemas: readonly JsonObject[];
  readonly #root: JsonObject;
  // Cached only for names that the schema declares. A query's names are chosen by senders and must not accumulate here.
  readonly #members = new Map<string, SpecTypes>();
  #others: SpecTypes | undefined;
  #items: SpecTypes | undefined;

  constructor(schemas: readonly JsonObject[], root: JsonObject) {
    this.#schemas = schemas;
    this.#root = root;
    this.types = [...new Set(schemas.flatMap(typesOf))];
  }

  member(name: string): SpecTypes {
    const cached = this.#members.get(name);
    if (cached !== undefined) return cached;
    const declared = this.#below((schema) => ownMember(schema['properties'], name));
    if (declared.length === 0) {
      this.#others ??= nodeOf(
        this.#below((schema) => schema['additionalProperties']),
        this.#root,
      );
      return this.#others;
    }
    const node = nodeOf(declared, this.#root);
    this.#members.set(name, node);
    return node;
  }

  item(index: number): SpecTypes {
    const prefix = this.#below((schema) => {
      const list = schema['prefixItems'];
      return Array.isArray(list) ? list[index] : undefined;
    });
    if (prefix.length > 0) return nodeOf(prefix, this.#root);
    this.#items ??= nodeOf(
      this.#below((schema) => schema['items']),
      this.#root,
    );
    return this.#items;
  }

  #below(pick: (schema: JsonObject) => JsonValue | undefined): JsonValue[] {
    return this.#schemas.map(pick).filter((found) => found !== undefined);
  }
}

/** Resolves references and alternatives, each schema once, because schemas may refer to each other in cycles. */
function expand(schemas: readonly JsonValue[], root: JsonObject): JsonObject[] {
  const seen = new Set<JsonObject>();
  const visit = (schema: JsonValue): void => {
    if (!isObject(schema) || seen.has(schema)) return;
    seen.add(schema);
    const reference = schema['$ref'];
    if (typeof reference === 'string') visit(resolve(reference, root) ?? null);
    for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
      const alternatives = schema[keyword];
      if (Array.isArray(alternatives)) alternatives.forEach(visit);
    }
  };
  schemas.forEach(visit);
  return [...seen];
}

function resolve(reference: string, root: JsonObject): JsonValue | undefined {
  if (!/^#(\/|$)/.test(reference)) return undefined;
  const names = reference.split('/').slice(1);
  return names.reduce<JsonValue | undefined>(
    (schema, name) => ownMember(schema, name.replaceAll('~1', '/').replaceAll('~0', '~')),
    root,
  );
}

function typesOf(schema: JsonObject): JsonType[] {
  const declared = [schema['type'] ?? []].flat().filter(isType);
  if (declared.length > 0) return declared;
  const values = Array.isArray(schema['enum']) ? schema['enum'] : [];
  const types = values.map(typeOf);
  if (schema['const'] !== undefined) types.push(typeOf(schema['const']));
  if (schema['properties'] !== undefined || schema['additionalProperties'] !== undefined) {
    types.push('object');
  }
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) types.push('array');
  return types;
}

function isType(value: unknown): value is JsonType {
  return TYPES.has(value);
}

function typeOf(value: JsonValue): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'number':
      return 'number';
    case 'string':
      return 'string';
    default:
      return 'object';
  }
}

function ownMember(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
