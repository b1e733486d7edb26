import type { JsonValue } from '../data/wire.js';

/** A difference between two JSON values; `path` is a JSON pointer, '' for the whole value. */
export type Difference =
  | { readonly kind: 'added'; readonly path: string; readonly after: JsonValue }
  | { readonly kind: 'removed'; readonly path: string; readonly before: JsonValue }
  | {
      readonly kind: 'changed';
      readonly path: string;
      readonly before: JsonValue;
      readonly after: JsonValue;
    };

/**
 * Returns the differences, in the order of `before`'s members, followed by additions. Objects are compared by member in
 * any order, arrays by index.
 */
export function differences(before: JsonValue, after: JsonValue, path = ''): Difference[] {
  if (Object.is(before, after)) return [];
  const left = membersOf(before);
  const right = membersOf(after);
  if (left === undefined || right === undefined || Array.isArray(before) !== Array.isArray(after)) {
    return [{ kind: 'changed', path, before, after }];
  }
  const found: Difference[] = [];
  for (const [key, value] of left) {
    const at = `${path}/${pointerPart(key)}`;
    const other = right.get(key);
    if (other === undefined) found.push({ kind: 'removed', path: at, before: value });
    else found.push(...differences(value, other, at));
  }
  for (const [key, value] of right) {
    if (left.has(key)) continue;
    found.push({ kind: 'added', path: `${path}/${pointerPart(key)}`, after: value });
  }
  return found;
}

/** Returns a name or index as one segment of a JSON pointer (RFC 6901). */
export function pointerPart(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function membersOf(value: JsonValue): Map<string, JsonValue> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map(Object.entries(value));
}
