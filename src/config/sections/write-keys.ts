import { isObject, type JsonValue } from '../../core/json.js';
import type { WriteKey } from '../config.js';
import type { Context } from '../context.js';

/**
 * Reads `writeKeys`: a list of keys, or a mapping of each key to the name of its source. Problems point to the position
 * in the list or mapping and never contain the key, which is a credential.
 */
export function readWriteKeys(
  value: JsonValue | undefined,
  pointer: string,
  { problems, schemas }: Context,
): readonly WriteKey[] {
  const keys = Array.isArray(value) ? value.map(listed) : isObject(value) ? mapped(value) : [];
  if (keys.length === 0)
    problems.add(pointer, 'must be a list of write keys, or a mapping of write keys to sources');
  for (const [at, { key, source }] of keys.entries()) {
    const which = `has as entry ${at + 1}`;
    if (typeof key !== 'string' || key === '') {
      problems.add(pointer, `${which} a write key that is empty or not a string`);
    } else if (source !== undefined && !schemas.isName(source)) {
      problems.add(
        pointer,
        `${which} an invalid source name; use 1 to 64 letters, digits, - and _`,
      );
    }
  }
  if (new Set(keys.map(({ key }) => key)).size < keys.length) {
    problems.add(pointer, 'contains the same write key twice');
  }
  return keys as WriteKey[];
}

function listed(key: JsonValue): { readonly key: JsonValue; readonly source?: JsonValue } {
  return { key };
}

function mapped(
  value: Record<string, JsonValue>,
): { readonly key: JsonValue; readonly source?: JsonValue }[] {
  return Object.entries(value).map(([key, source]) => ({ key, source }));
}
