import { isObject, type JsonObject, type JsonValue } from '../core/json.js';
import type { Environment, References } from './document/references.js';
import { child, labelOf } from './problems/pointer.js';
import type { Problems } from './problems/problems.js';
import type { Schemas } from './schema/compile.js';
import type { DefaultSecret } from './secrets/defaults.js';

/** Options of the command line, which override the file. */
export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** The state that the readers of the sections share while one configuration is read. */
export interface Context {
  readonly env: Environment;
  readonly overrides: Overrides;
  /** The directory of default paths and generated secrets. */
  readonly dataDir: string;
  /** If false, generated secrets are not written to disk. */
  readonly keepSecrets: boolean;
  /** Whether several processes share the store. */
  readonly isShared: boolean;
  readonly schemas: Schemas;
  readonly references: References;
  readonly problems: Problems;
  readonly warnings: string[];
  /** The secrets of the default sources; empty if sources are configured. */
  readonly secrets: DefaultSecret[];
}

/** Adds a warning about something that is allowed but probably unintended. Never pass it a secret. */
export function warn(context: Pick<Context, 'warnings'>, pointer: string, message: string): void {
  context.warnings.push(`${labelOf(pointer)} ${message}`);
}

/**
 * Returns a copy of the mapping at `pointer`, `{}` if it is omitted, or undefined and a problem if it is not a mapping.
 */
export function mappingAt(
  value: JsonValue | undefined,
  pointer: string,
  { problems }: Context,
): JsonObject | undefined {
  if (value === undefined) return {};
  if (isObject(value)) return { ...value };
  const hint =
    value === null
      ? 'has no value; write {} after it, or remove it to use the defaults'
      : 'must be a mapping of options';
  problems.add(pointer, hint);
  return undefined;
}

/** Returns the members of a mapping by name, with their pointers. Invalid names become problems. */
export function namedMembers(
  value: JsonObject,
  pointer: string,
  { schemas, problems }: Context,
): (readonly [name: string, member: JsonValue, pointer: string])[] {
  return Object.entries(value).map(([name, member]) => {
    const at = child(pointer, name);
    if (!schemas.isName(name)) {
      problems.add(
        at,
        'is not a valid name; use 1 to 64 letters, digits, - and _, beginning with a letter or digit',
        'key',
      );
    }
    return [name, member, at];
  });
}
