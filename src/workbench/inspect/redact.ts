import { isObject, type JsonValue } from '../../core/json.js';

/** Replaces a value that `admin.redact` names. */
export const REDACTED = '[redacted]';

/** Steps into a value; `*` is any key or index. */
export type Path = readonly string[];

/**
 * The paths of `admin.redact` as steps, and with them the places that the same value has elsewhere in an event: an
 * identify's traits stand in `context` too, `context.ip` comes from `request_ip`, and the receipt keeps what could not be
 * read as a time.
 */
export function pathsOf(dotted: readonly string[]): Path[] {
  return dotted.flatMap((text) => {
    const path = text.split('.');
    const [first = '', second = '*', ...rest] = path;
    const found: Path[] = [path];
    if (matches(first, 'traits')) found.push(['context', 'traits', ...path.slice(1)]);
    if (matches(first, 'context') && matches(second, 'traits')) found.push(['traits', ...rest]);
    if (matches(first, 'context') && rest.length === 0 && matches(second, 'ip')) {
      found.push(['request_ip']);
    }
    if (path.length === 1) found.push(['receipt', 'unreadable', first]);
    return found;
  });
}

/** The paths below `properties` and `traits` alone: where only an event's data came, these are its top. */
export function pathsOfData(paths: readonly Path[]): Path[] {
  return paths
    .filter(
      ([first = '', ...rest]) =>
        rest.length > 0 && (matches(first, 'properties') || matches(first, 'traits')),
    )
    .map(([, ...rest]) => rest);
}

/** Returns a copy of the value with `[redacted]` at every path; the value itself if no path matches. */
export function redactAt(value: JsonValue, paths: readonly Path[]): JsonValue {
  if (paths.length === 0) return value;
  if (Array.isArray(value)) {
    const items = value.map((item, index) => redactMember(item, String(index), paths));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isObject(value)) return value;
  let changed = false;
  const entries = Object.entries(value).map(([key, member]) => {
    const shown = redactMember(member, key, paths);
    changed ||= shown !== member;
    return [key, shown] as const;
  });
  return changed ? Object.fromEntries(entries) : value;
}

function redactMember(member: JsonValue, key: string, paths: readonly Path[]): JsonValue {
  const below: Path[] = [];
  for (const [step = '', ...rest] of paths) {
    if (!matches(step, key)) continue;
    if (rest.length === 0) return REDACTED;
    below.push(rest);
  }
  return redactAt(member, below);
}

/** Whether the steps lead to a redacted value, or into one. */
export function isRedacted(steps: readonly string[], paths: readonly Path[]): boolean {
  return paths.some(
    (path) =>
      path.length <= steps.length && path.every((step, at) => matches(step, steps[at] ?? '')),
  );
}

/** The paths that go on below these steps. */
export function pathsBelow(steps: readonly string[], paths: readonly Path[]): Path[] {
  return paths
    .filter(
      (path) =>
        path.length > steps.length && steps.every((step, at) => matches(path[at] ?? '', step)),
    )
    .map((path) => path.slice(steps.length));
}

function matches(step: string, key: string): boolean {
  return step === '*' || step === key;
}
