import { isObject, type JsonObject, type JsonValue } from './json.js';
import { suggestion } from './nearest.js';
import { child, labelOf, quoted } from './pointer.js';
import type { Problems } from './problems.js';
import type { References } from './references.js';
import type { Schemas } from './schemas.js';

/** What the resolvers of the sections share while one configuration is read. */
export interface Context {
  readonly schemas: Schemas;
  readonly references: References;
  readonly problems: Problems;
  readonly warnings: string[];
}

/** Notes what is allowed but probably not meant. Never give it a secret. */
export function warn(context: Context, pointer: string, message: string): void {
  context.warnings.push(`${labelOf(pointer)} ${message}`);
}

/** A copy of the mapping at `pointer`, `{}` where it is left out, or undefined and a problem where it is no mapping. */
export function mappingAt(
  value: JsonValue | undefined,
  pointer: string,
  { problems }: Context,
): JsonObject | undefined {
  if (value === undefined) return {};
  if (isObject(value)) return { ...value };
  const hint =
    value === null
      ? 'has no value: write {} after it, or take it out to get the defaults'
      : 'must be a mapping of options';
  problems.add(pointer, hint);
  return undefined;
}

/** The variant that `tag` (`type`, `scheme`) chooses, or undefined and a problem that names the nearest known one. */
export function variantOf(
  value: JsonObject,
  tag: string,
  known: readonly string[],
  pointer: string,
  { problems, references }: Context,
): string | undefined {
  const at = child(pointer, tag);
  const chosen = value[tag];
  if (typeof chosen === 'string' && known.includes(chosen)) return chosen;
  if (chosen === undefined) {
    problems.add(at, `is missing; known are ${known.join(', ')}`, 'missing');
  } else if (typeof chosen !== 'string' || references.all.has(at)) {
    problems.add(at, `must be one of ${known.join(', ')}`);
  } else {
    problems.add(at, `does not know ${quoted(chosen)}${suggestion(chosen, known)}`);
  }
  return undefined;
}

/** For an option that is unknown to `chosen`: says so where it belongs to another variant of the same kind. */
export function belongsTo(
  option: string,
  tag: string,
  chosen: string,
  optionsOf: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  const owners = [...optionsOf]
    .filter(([, options]) => options.includes(option))
    .map(([name]) => name);
  return owners.length === 0
    ? undefined
    : `is an option of ${tag} ${owners.join(' and ')}, not of ${chosen}`;
}

/** The option names of every variant that `prefix` has. */
export function optionsByVariant(schemas: Schemas, prefix: string): Map<string, readonly string[]> {
  return new Map(
    schemas.variants(prefix).map((name) => [name, schemas.optionsOf(`${prefix}-${name}`)]),
  );
}

/** The members of a mapping by name, with their pointers; names that cannot be used become problems. */
export function namedMembers(
  value: JsonObject,
  pointer: string,
  { schemas, problems }: Context,
): (readonly [name: string, member: JsonValue, pointer: string])[] {
  const isName = schemas.part('name');
  return Object.entries(value).map(([name, member]) => {
    const at = child(pointer, name);
    if (!isName(name)) {
      problems.add(
        at,
        'cannot be the name: 1 to 64 letters, digits, - and _ are, a letter or digit first',
        'key',
      );
    }
    return [name, member, at];
  });
}
