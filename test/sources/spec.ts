import { readFileSync } from 'node:fs';
import { isObject } from '../../src/core/json.js';
import { createSpecTypes } from '../../src/decode/query/spec-types.js';

/** A source's types where no schema says anything. */
export const noSpec = { properties: createSpecTypes({}), traits: createSpecTypes({}) };

/** The types of the shipped schema, as a source without a `schema` of its own has them. */
export function shippedSpec(): typeof noSpec {
  const url = new URL('../../schemas/spec.schema.json', import.meta.url);
  const schema: unknown = JSON.parse(readFileSync(url, 'utf8'));
  if (!isObject(schema)) throw new Error('the shipped schema is no object');
  return {
    properties: createSpecTypes(schema, 'properties'),
    traits: createSpecTypes(schema, 'traits'),
  };
}
