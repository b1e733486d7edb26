import type { JsonObject } from '../../core/json.js';
import type { Context } from '../context.js';
import type { ConfigParts } from '../generated/options.js';
import { suggestion } from '../problems/nearest.js';
import { child, quoted } from '../problems/pointer.js';
import { applySchema } from '../schema/apply.js';

/**
 * The kinds of parts of the schema that exclude each other, by the prefix of their names, and the option that selects
 * one.
 */
const TAGS = { outbox: 'type', source: 'type', verify: 'scheme' } as const;
type Kind = keyof typeof TAGS;

/** The options of any part of a kind, discriminated by the option that selects it. */
export type Variant<K extends Kind> = ConfigParts[Extract<keyof ConfigParts, `${K}-${string}`>];

/** Returns the name of the part that `value` selects, or undefined and a problem that names the nearest known one. */
export function chosen(kind: Kind, value: JsonObject, at: string, context: Context) {
  return chosenOf(TAGS[kind], value, context.schemas.variants(kind), at, context);
}

/** Returns the value of `tag` (`type`, `scheme`) if it is one of `known`; otherwise undefined, and a problem. */
export function chosenOf(
  tag: string,
  value: JsonObject,
  known: readonly string[],
  pointer: string,
  { problems, references }: Context,
): string | undefined {
  const at = child(pointer, tag);
  const choice = value[tag];
  if (typeof choice === 'string' && known.includes(choice)) return choice;
  if (choice === undefined) {
    problems.add(at, `is required; it must be one of ${known.join(', ')}`, 'missing');
  } else if (typeof choice !== 'string' || references.all.has(at)) {
    problems.add(at, `must be one of ${known.join(', ')}`);
  } else {
    problems.add(at, `has the unknown value ${quoted(choice)}${suggestion(choice, known)}`);
  }
  return undefined;
}

/**
 * Makes `value` (at `pointer`) conform to the part that `choice` names, in place, and returns it; undefined if it does
 * not conform, with a problem for each reason. For an option of another part of the kind, the problem says so.
 */
export function fitted<K extends Kind>(
  kind: K,
  choice: string,
  value: JsonObject,
  pointer: string,
  context: Context,
): (JsonObject & Variant<K>) | undefined {
  const { schemas } = context;
  const options = new Map(
    schemas.variants(kind).map((name) => [name, schemas.optionsOf(`${kind}-${name}`)]),
  );
  const validate = schemas.variant<Variant<K>>(kind, choice);
  const fits = applySchema(validate, value, pointer, context, (option) =>
    belongsTo(option, TAGS[kind], choice, options),
  );
  return fits ? value : undefined;
}

/** Returns a hint for an option that is unknown to `choice` but belongs to another variant of the same kind. */
export function belongsTo(
  option: string,
  tag: string,
  choice: string,
  optionsOf: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  const owners = [...optionsOf]
    .filter(([, options]) => options.includes(option))
    .map(([name]) => name);
  return owners.length === 0
    ? undefined
    : `is an option of ${tag} ${owners.join(' and ')}, not of ${choice}`;
}
