import type { WriteKey } from './config.js';
import type { Context } from './context.js';
import { isObject, type JsonValue } from './json.js';

/**
 * `writeKeys`: a list of keys, or a mapping of each to the name of its source. Problems name the place in the list or
 * mapping and never the key, which is a credential.
 */
export function resolveWriteKeys(
  value: JsonValue | undefined,
  pointer: string,
  { problems, schemas }: Context,
): readonly WriteKey[] {
  const isName = schemas.part('name');
  const keys = Array.isArray(value) ? value.map(listed) : isObject(value) ? mapped(value) : [];
  if (keys.length === 0) problems.add(pointer, 'must list write keys, or map them to sources');
  for (const [at, { key, source }] of keys.entries()) {
    const which = `holds, as number ${at + 1},`;
    if (typeof key !== 'string' || key === '') {
      problems.add(pointer, `${which} a write key that is not a text or is empty`);
    } else if (source !== undefined && !isName(source)) {
      problems.add(
        pointer,
        `${which} a source's name that is not 1 to 64 letters, digits, - and _`,
      );
    }
  }
  if (new Set(keys.map(({ key }) => key)).size < keys.length) {
    problems.add(pointer, 'holds the same write key twice');
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
