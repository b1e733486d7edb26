import { readFileSync } from 'node:fs';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Violation } from '../core/errors.js';
import { isObject, type JsonObject } from '../core/json.js';
import { EVENT_TYPES } from './event.js';

/**
 * Returns the violations of a canonical event, `[]` if it is valid. `extraTypes` are accepted besides the known types.
 */
export type ValidateEvent = (event: JsonObject, extraTypes?: readonly string[]) => Violation[];

// Two levels up from both src/event and dist/event.
const SCHEMAS = new URL('../../schemas/', import.meta.url);

/**
 * Compiles the event schemas once, some tens of milliseconds. An event is checked against the schema of its own type,
 * not against the union of all, so that every violation concerns this event. For types from `extraTypes` only the
 * common fields are checked.
 */
export function createEventValidator(): ValidateEvent {
  // `allErrors` lets one answer name every violation. There can only be a few, because only the known fields are
  // checked.
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  addFormats.default(ajv, { mode: 'fast' });
  const common = ajv.compile(readSchema('events/common.schema.json'));
  const byType = new Map<string, ValidateFunction>();
  for (const type of EVENT_TYPES) {
    byType.set(type, ajv.compile(readSchema(`events/${type}.schema.json`)));
  }

  return (event, extraTypes = []) => {
    const type = event['type'];
    const known = typeof type === 'string' ? byType.get(type) : undefined;
    if (known === undefined && !isExtra(type, extraTypes)) {
      return [{ path: '/type', message: typeMessage(type, extraTypes) }];
    }
    const validate = known ?? common;
    return validate(event) ? [] : violationsOf(validate.errors ?? []);
  };
}

function readSchema(name: string): JsonObject {
  const schema: unknown = JSON.parse(readFileSync(new URL(name, SCHEMAS), 'utf8'));
  if (!isObject(schema)) throw new TypeError(`schemas/${name} is not a JSON Schema object`);
  return schema;
}

function isExtra(type: unknown, extraTypes: readonly string[]): boolean {
  return extraTypes.some((extra) => extra.toLowerCase() === type);
}

function typeMessage(type: unknown, extraTypes: readonly string[]): string {
  const all = [...EVENT_TYPES, ...extraTypes].join(', ');
  return `${type === undefined ? 'is missing: it must be' : 'must be'} one of ${all}`;
}

/** Keeps one violation per path, because a type's own schema and the common one may both reject the same field. */
function violationsOf(errors: readonly ErrorObject[]): Violation[] {
  const violations = errors.map(violationOf);
  return [...new Map(violations.map((violation) => [violation.path, violation])).values()];
}

function violationOf(error: ErrorObject): Violation {
  if (error.keyword === 'required') {
    return {
      path: `${error.instancePath}/${error.params['missingProperty']}`,
      message: 'is missing',
    };
  }
  if (error.keyword === 'type') {
    return { path: error.instancePath, message: `must be ${withArticle(error.params['type'])}` };
  }
  return { path: error.instancePath, message: error.message ?? 'is not valid' };
}

function withArticle(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}
