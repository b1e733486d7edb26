import { isObject, type JsonValue } from '../../core/json.js';

/**
 * RudderStack's flattening for GET and DELETE (rudder-transformer, src/v0/util/index.js `flattenJson`): `a.b`, `a[0]`,
 * no escaping. If two leaves have the same key, the later one stays. An empty container is a leaf; an empty root has no
 * leaves, and a root that is not a container is one leaf with an empty key.
 */
export function flatten(root: JsonValue): [string, JsonValue][] {
  const leaves = new Map<string, JsonValue>();
  const visit = (value: JsonValue, path: string): void => {
    if (Array.isArray(value)) {
      if (value.length === 0) leaves.set(path, value);
      for (const [index, item] of value.entries()) visit(item, `${path}[${index}]`);
      return;
    }
    if (!isObject(value)) {
      leaves.set(path, value);
      return;
    }
    const entries = Object.entries(value);
    if (entries.length === 0 && path !== '') leaves.set(path, value);
    for (const [name, member] of entries) visit(member, path === '' ? name : `${path}.${name}`);
  };
  visit(root, '');
  // The vendor collects them in an ordinary object, in which this key is the prototype and not a member.
  leaves.delete('__proto__');
  return [...leaves];
}
