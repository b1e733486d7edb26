import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { isObject, type JsonObject } from '../../src/core/json.js';

const SCHEMAS = new URL('../../schemas/', import.meta.url);

/** The event schemas as they are published, by path below `schemas/`. */
export function eventSchemas(): Map<string, JsonObject> {
  const names = readdirSync(new URL('events/', SCHEMAS)).map((name) => `events/${name}`);
  return new Map(
    ['event.schema.json', ...names].map((name) => {
      const schema: unknown = JSON.parse(readFileSync(new URL(name, SCHEMAS), 'utf8'));
      if (!isObject(schema)) throw new Error(`${name} is no object`);
      return [name, schema];
    }),
  );
}

/** Somebody else's validator, with full formats: what `schemas/event.schema.json` says of a value, `[]` for nothing. */
export function schemaValidator(dialect: '2020-12' | 'draft-07' = '2020-12') {
  const ajv = dialect === '2020-12' ? new Ajv2020({ strict: true }) : new Ajv({ strict: false });
  addFormats.default(ajv);
  for (const schema of eventSchemas().values()) {
    const { $schema, ...undeclared } = schema;
    ajv.addSchema(dialect === '2020-12' ? schema : undeclared);
  }
  const id = String(eventSchemas().get('event.schema.json')?.['$id']);
  const validate = ajv.getSchema(id);
  if (validate === undefined) throw new Error(`no schema has the id ${id}`);
  return (value: unknown): string[] =>
    validate(value)
      ? []
      : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}
