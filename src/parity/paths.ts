import { isObject, type JsonObject, type JsonValue } from '../core/json.js';

/** Returns the steps of a JSON Pointer (RFC 6901). A text without a leading slash is read as steps joined by dots. */
export function stepsOf(pointer: string): readonly string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) return pointer.split('.');
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Returns the pointer of a member of the value at `pointer`. */
export function memberPath(pointer: string, key: string): string {
  const step = /[~/]/.test(key) ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
  return `${pointer}/${step}`;
}

/** Returns the value at these steps; undefined if there is none. `*` steps into the first member that has one. */
export function valueAt(value: JsonValue, steps: readonly string[]): JsonValue | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const members = step === '*' ? Object.values(value) : [own(value, step)];
  for (const member of members) {
    const found = member === undefined ? undefined : valueAt(member, rest);
    if (found !== undefined) return found;
  }
  return undefined;
}

function own(value: JsonValue[] | JsonObject, step: string): JsonValue | undefined {
  return Object.hasOwn(value, step) ? (value as JsonObject)[step] : undefined;
}

/** Returns a copy without what is at these steps; the value itself if nothing is there. `*` is any key or index. */
export function withoutPath(value: JsonValue, steps: readonly string[]): JsonValue {
  const [step, ...rest] = steps;
  if (step === undefined || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    if (rest.length > 0) {
      return value.map((item, at) => (fits(step, String(at)) ? withoutPath(item, rest) : item));
    }
    return value.filter((_, at) => !fits(step, String(at)));
  }
  let copy: JsonObject | undefined;
  for (const [key, member] of Object.entries(value)) {
    if (!fits(step, key)) continue;
    const kept = rest.length === 0 ? undefined : withoutPath(member, rest);
    if (kept === member) continue;
    copy ??= { ...value };
    if (kept === undefined) delete copy[key];
    else copy[key] = kept;
  }
  return copy ?? value;
}

function fits(step: string, key: string): boolean {
  return step === '*' || step === key;
}

/** Returns the object at a key; undefined if the value there is something else. */
export function objectAt(value: JsonObject, key: string): JsonObject | undefined {
  const member = value[key];
  return isObject(member) ? member : undefined;
}
