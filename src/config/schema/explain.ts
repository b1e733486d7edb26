import type { ErrorObject } from 'ajv/dist/2020.js';
import type { References } from '../document/references.js';
import { suggestion } from '../problems/nearest.js';
import { child, quoted } from '../problems/pointer.js';
import type { Part } from '../problems/problems.js';
import { formatUnit, UNIT_EXAMPLES, type Unit } from './units.js';

/** Returns a hint about an unknown option beyond the options of this type, or undefined. */
export type Elsewhere = (option: string) => string | undefined;

export interface Complaint {
  readonly pointer: string;
  readonly message: string;
  readonly part?: Part;
}

/**
 * Explains one ajv error to the author of the file; undefined if another error explains it better. `base` is the
 * pointer of the validated value. Values from the environment are never shown.
 */
export function explain(
  error: ErrorObject,
  base: string,
  references: References,
  elsewhere?: Elsewhere,
): Complaint | undefined {
  const { params } = error;
  const pointer = base + error.instancePath;
  switch (error.keyword) {
    case 'if':
    case 'oneOf':
    case 'anyOf':
      // The alternatives report their own errors.
      return undefined;
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = String(params['additionalProperty'] ?? params['unevaluatedProperty']);
      const known = Object.keys(error.parentSchema?.['properties'] ?? {});
      const message = elsewhere?.(key) ?? `is not a known option${suggestion(key, known)}`;
      return { pointer: child(pointer, key), message, part: 'key' };
    }
    case 'required': {
      const missing = child(pointer, String(params['missingProperty']));
      return { pointer: missing, message: 'is required', part: 'missing' };
    }
    case 'minLength':
    case 'minItems': {
      const variable = references.whole.get(pointer);
      const message = variable ? `is empty because ${variable} is empty` : 'must not be empty';
      return { pointer, message };
    }
    default:
      return { pointer, message: aboutValue(error, pointer, references) };
  }
}

function aboutValue(error: ErrorObject, pointer: string, references: References): string {
  const { keyword, params, data, parentSchema } = error;
  if (keyword === 'enum' && typeof data === 'string' && !references.all.has(pointer)) {
    const known = [params['allowedValues']].flat().map(String);
    return `has the unknown value ${quoted(data)}${suggestion(data, known)}`;
  }
  const wanted = expectation(keyword, params, data, parentSchema ?? {});
  if (wanted === undefined) return error.message ?? 'is not valid';
  const variable = references.whole.get(pointer);
  return variable ? `must be ${wanted}, which ${variable} is not` : `must be ${wanted}`;
}

function expectation(
  keyword: string,
  params: Readonly<Record<string, unknown>>,
  data: unknown,
  schema: Readonly<Record<string, unknown>>,
): string | undefined {
  const unit = unitOf(schema);
  const limit = (): string => {
    const value = Number(params['limit']);
    return unit ? formatUnit(value, unit) : String(value);
  };
  switch (keyword) {
    case 'type':
      return unit ? UNIT_EXAMPLES[unit] : typeText([params['type']].flat(), data);
    case 'x-unit':
      return unit && UNIT_EXAMPLES[unit];
    case 'enum':
      return `one of ${[params['allowedValues']].flat().join(', ')}`;
    case 'const':
      return JSON.stringify(params['allowedValue']);
    case 'minimum':
      return `at least ${limit()}`;
    case 'maximum':
      return `at most ${limit()}`;
    case 'exclusiveMinimum':
      return `more than ${limit()}`;
    case 'pattern':
    case 'format':
      return String(schema['x-expect'] ?? `written as ${params['pattern'] ?? params['format']}`);
    default:
      return undefined;
  }
}

function unitOf(schema: Readonly<Record<string, unknown>>): Unit | undefined {
  const unit = schema['x-unit'];
  return unit === 'duration' || unit === 'size' ? unit : undefined;
}

const TYPE_TEXTS: ReadonlyMap<unknown, string> = new Map([
  ['integer', 'a whole number'],
  ['number', 'a number'],
  ['boolean', 'true or false'],
  ['string', 'a string'],
  ['array', 'a list'],
  ['object', 'a mapping of options'],
]);

function typeText(types: readonly unknown[], data: unknown): string {
  const wanted = types.map((type) => TYPE_TEXTS.get(type) ?? String(type)).join(' or ');
  // YAML reads 0123 as a number. A secret of digits is the usual case.
  const unquoted = typeof data === 'number' || typeof data === 'boolean';
  return unquoted && types.includes('string') ? `${wanted}: put it in quotes` : wanted;
}
