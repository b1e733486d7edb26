import { isObject, type JsonValue } from '../../core/json.js';
import type { ParityConfig } from '../config.js';
import { type Context, mappingAt, namedMembers } from '../context.js';
import { applySchema } from '../schema/apply.js';

/** Reads the `parity` section with references replaced. Undefined if it is omitted. */
export function readParity(
  value: JsonValue | undefined,
  context: Context,
): Record<string, ParityConfig> | undefined {
  if (value === undefined) return undefined;
  const { problems, schemas } = context;
  const written = mappingAt(value, '/parity', context) ?? {};
  const read: Record<string, ParityConfig> = {};
  for (const [name, member, pointer] of namedMembers(written, '/parity', context)) {
    if (!isObject(member)) {
      problems.add(pointer, 'must be a mapping with left and right');
      continue;
    }
    if (applySchema<ParityConfig>(schemas.part('parity'), member, pointer, context)) {
      read[name] = member;
    }
  }
  return read;
}
