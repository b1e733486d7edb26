import type { JsonObject, JsonValue } from './json.js';
import { child, shownKey } from './pointer.js';
import type { Problems } from './problems.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Which values came from the environment, by JSON pointer: they may be secrets, and have no type of their own. */
export interface References {
  /** Values that are one reference and nothing else, and the variable's name. */
  readonly whole: Map<string, string>;
  /** All values that hold a reference. */
  readonly all: Set<string>;
}

/** Far more than any configuration needs; a cycle in an object that was passed in ends here as well. */
const MAX_DEPTH = 32;
const MAX_VALUES = 100_000;

/** Mappings whose keys are the user's values, and may be secrets. */
const KEYED_BY_VALUES = /\/writeKeys$/;

/** `$${`, `${NAME}`, `${NAME:-default}`, or a `${` that is none of them. */
const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_]\w*)(?::-((?:(?!\$\{)[^}])*))?\})?/g;

/**
 * A copy of `value` as plain JSON, with the references in its texts replaced from `env` and noted in `references`.
 * As in a shell, an empty variable counts as set for `${NAME}`, and as unset for `${NAME:-default}`. What is put in is
 * text and stays text: it is neither looked through for references nor read as YAML.
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
      problems.add(pointer, `is of the kind ${typeof value}, which a configuration cannot hold`);
      return null;
    }
    if (depth > MAX_DEPTH || budget-- <= 0) {
      problems.add(pointer, 'is nested too deeply, or too large');
      // At once: a cycle would find the same a hundred thousand times.
      problems.throwIfAny();
    }
    if (Array.isArray(value)) {
      return Array.from(value, (item, at) => copy(item, child(pointer, at), depth + 1));
    }
    const result: JsonObject = {};
    for (const [key, member] of Object.entries(value)) {
      const at = child(pointer, key);
      if (key === '__proto__') problems.add(at, 'is not allowed as a name', 'key');
      // An option that a caller passes as undefined is one that it leaves out.
      else if (member !== undefined) {
        // Write keys are keys of a mapping: there a reference may stand too.
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
        `holds a \${ that begins no \${NAME} or \${NAME:-default}; write $\${ for a plain \${`,
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
        `needs the environment variable ${shownKey(name)}, which is not set; set it, or write \${${name}:-default}`,
      );
    }
    return set ?? '';
  });
}
