import { compactJson } from './json/style.js';
import type { JsonTree } from './json/tree.js';

/** Objects with more members have too many orders to try. */
const MOST_MEMBERS = 8;
/** The elements of a longer array keep their order of members. */
const MOST_ITEMS = 50;

/**
 * Yields a JSON value with its objects' members in every other order, without whitespace; none if there are too many.
 */
export function* otherOrders(tree: JsonTree): Generator<Buffer> {
  for (const each of orders(tree)) yield Buffer.from(compactJson(each), 'utf8');
}

function* orders(tree: JsonTree): Generator<JsonTree> {
  if (tree.kind === 'array' && tree.items.length <= MOST_ITEMS) {
    for (const items of choices(tree.items)) yield { kind: 'array', items };
  } else if (tree.kind === 'object' && tree.members.length <= MOST_ITEMS) {
    const values = tree.members.map(([, value]) => value);
    const indexes = tree.members.map((_, index) => index);
    for (const chosen of choices(values)) {
      for (const order of permutations(indexes)) {
        const members = order.map((index): readonly [string, JsonTree] => [
          tree.members[index]?.[0] ?? '',
          chosen[index] ?? { kind: 'literal', text: 'null' },
        ]);
        yield { kind: 'object', members };
      }
    }
  } else {
    yield tree;
  }
}

/** Yields every combination of the orders of several values. */
function* choices(values: readonly JsonTree[]): Generator<readonly JsonTree[]> {
  const [first, ...rest] = values;
  if (first === undefined) return yield [];
  for (const head of orders(first)) {
    for (const tail of choices(rest)) yield [head, ...tail];
  }
}

function* permutations(values: readonly number[]): Generator<readonly number[]> {
  if (values.length > MOST_MEMBERS || values.length < 2) return yield values;
  for (const [at, first] of values.entries()) {
    for (const rest of permutations(values.filter((_, index) => index !== at))) {
      yield [first, ...rest];
    }
  }
}
