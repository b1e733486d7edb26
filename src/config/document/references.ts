import type { JsonObject, JsonValue } from '../../core/json.js';
import { child, shownKey } from '../problems/pointer.js';
import type { Problems } from '../problems/problems.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Records which values came from the environment, by JSON pointer. They may be secrets, and they have no type of their
 * own.
 */
export interface References {
  /** Values that consist of a single reference, with the variable's name. */
  readonly whole: Map<string, string>;
  /** All values that contain a reference. */
  readonly all: Set<string>;
}

/** Far more than any configuration needs. A cycle in an object that was passed in ends here as well. */
const MAX_DEPTH = 32;
const MAX_VALUES = 100_000;

/** Mappings whose keys are values of the user's, and may be secrets. */
const KEYED_BY_VALUES = /\/writeKeys$/;

/** Matches `$${`, `${NAME}`, `${NAME:-default}`, or a `${` that is none of them. */
const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_]\w*)(?::-((?:(?!\$\{)[^}])*))?\})?/g;

/**
 * Returns a copy of `value` as plain JSON, with the references in its texts replaced from `env` and recorded in
 * `references`. As in a shell, an empty variable counts as set for `${NAME}`, and as unset for `${NAME:-default}`. A
 * replacement is and remains text: it is neither searched for references nor parsed as YAML.
 */
export function substitute(
  value: unknown,
  pointer: string,
  env: Environment,
  references: References,
  problems: Problems,
): JsonValue {
  let budget = MAX_VALUES;

  const copy = (value: unknown, pointer: string, depth: number): JsonValue => {
    if (typeof value === 'string') return replaceIn(value, pointer, env, references, problems);
    if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
    if (typeof value !== 'object') {
      problems.add(pointer, `is a ${typeof value}, which a configuration cannot contain`);
      return null;
    }
    if (depth > MAX_DEPTH || budget-- <= 0) {
      problems.add(pointer, 'is nested too deeply, or too large');
      // Thrown immediately: a cycle would produce the same problem a hundred thousand times.
      problems.throwIfAny();
    }
    if (Array.isArray(value)) {
      return Array.from(value, (item, at) => copy(item, child(pointer, at), depth + 1));
    }
    const result: JsonObject = {};
    for (const [key, member] of Object.entries(value)) {
      const at = child(pointer, key);
      if (key === '__proto__') problems.add(at, 'is not allowed as a name', 'key');
      // An option that a caller passes as undefined counts as omitted.
      else if (member !== undefined) {
        // Write keys are keys of a mapping, so they may contain references too.
        const name = KEYED_BY_VALUES.test(pointer)
          ? replaceIn(key, pointer, env, references, problems)
          : key;
        result[name] = copy(member, at, depth + 1);
      }
    }
    return result;
  };

  return copy(value, pointer, 0);
}

function replaceIn(
  text: string,
  pointer: string,
  env: Environment,
  references: References,
  problems: Problems,
): string {
  return text.replace(REFERENCE, (match, name?: string, otherwise?: string) => {
    if (match === '$${') return '${';
    if (name === undefined) {
      problems.add(
        pointer,
        `contains \${ without a valid \${NAME} or \${NAME:-default}; write $\${ for a literal \${`,
      );
      return '';
    }
    references.all.add(pointer);
    if (match === text) references.whole.set(pointer, name);
    const set = Object.hasOwn(env, name) ? env[name] : undefined;
    if (otherwise !== undefined) return set || otherwise;
    if (set === undefined) {
      problems.add(
        pointer,
        `refers to the environment variable ${shownKey(name)}, which is not set; set it, or write \${${name}:-default}`,
      );
    }
    return set ?? '';
  });
}
