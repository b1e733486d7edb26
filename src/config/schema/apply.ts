import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { References } from '../document/references.js';
import { keysOf } from '../problems/pointer.js';
import type { Problems } from '../problems/problems.js';
import { type Elsewhere, explain } from './explain.js';

export interface SchemaContext {
  readonly references: References;
  readonly problems: Problems;
}

/**
 * Makes `value` (at `pointer`) conform to a schema, in place: fills in defaults, converts units, and turns values that
 * are a single `${NAME}` into the number or boolean that the schema requires. Each violation becomes a problem. Returns
 * whether there was none.
 */
export function applySchema<T>(
  validate: ValidateFunction<T>,
  value: JsonObject,
  pointer: string,
  context: SchemaContext,
  elsewhere?: Elsewhere,
): value is JsonObject & T {
  // The first validation converts what it can. Only the second one checks minimum and maximum of the converted values.
  if (!validate(value)) retype(validate.errors ?? [], value, pointer, context.references);
  if (validate(value)) return true;
  for (const error of validate.errors ?? []) {
    const complaint = explain(error, pointer, context.references, elsewhere);
    if (complaint) context.problems.add(complaint.pointer, complaint.message, complaint.part);
  }
  return false;
}

/** Only values from the environment change their type: a quoted number in the file is meant as text. */
function retype(
  errors: readonly ErrorObject[],
  value: JsonObject,
  pointer: string,
  references: References,
): void {
  for (const { keyword, instancePath, params, data } of errors) {
    if (keyword !== 'type' || typeof data !== 'string') continue;
    if (!references.whole.has(pointer + instancePath)) continue;
    const converted = convert(data, [params['type']].flat());
    if (converted !== undefined) assign(value, keysOf(instancePath), converted);
  }
}

function convert(text: string, types: readonly unknown[]): number | boolean | undefined {
  const wantsNumber = types.includes('integer') || types.includes('number');
  if (wantsNumber && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!types.includes('boolean')) return undefined;
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function assign(value: JsonValue, keys: readonly string[], converted: number | boolean): void {
  const [key, ...rest] = keys;
  if (key === undefined || !(isObject(value) || Array.isArray(value))) return;
  const holder: Record<string, JsonValue> = value as Record<string, JsonValue>;
  const member = holder[key];
  if (rest.length === 0) holder[key] = converted;
  else if (member !== undefined) assign(member, rest, converted);
}
