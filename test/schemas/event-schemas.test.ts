import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonValue } from '../../src/core/json.js';
import { toCanonical } from '../../src/event/canonical.js';
import { EVENT_TYPES } from '../../src/event/event.js';
import { createEventValidator } from '../../src/event/validate.js';
import { almostEvent } from '../event/arbitraries.js';
import { factsOf } from '../event/facts.js';
import { eventSchemas, schemaValidator } from './validator.js';

const schemas = eventSchemas();

/** The names of all fields that a schema describes without a description. */
function undescribed(schema: JsonValue, path: string): string[] {
  if (!isObject(schema)) return [];
  const found: string[] = [];
  for (const keyword of ['properties', '$defs']) {
    const members = schema[keyword];
    if (!isObject(members)) continue;
    for (const [name, member] of Object.entries(members)) {
      const where = `${path}/${name}`;
      if (!isObject(member)) continue;
      if (member['description'] === undefined && member['$ref'] === undefined) found.push(where);
      found.push(...undescribed(member, where));
    }
  }
  return found;
}

describe('the event schemas', () => {
  it('are one for each type, one for all, and the common fields', () => {
    expect([...schemas.keys()].sort()).toEqual(
      [
        'event.schema.json',
        'events/common.schema.json',
        ...EVENT_TYPES.map((type) => `events/${type}.schema.json`),
      ].sort(),
    );
  });

  it.each([...schemas])(
    '%s has a dialect, an id that ends like its path, a title and descriptions',
    (name, schema) => {
      expect(schema['$schema']).toBe('https://json-schema.org/draft/2020-12/schema');
      expect(schema['$id']).toMatch(
        new RegExp(`^https://.*/schemas/${name.replaceAll('.', '\\.')}$`),
      );
      expect(schema['title']).toEqual(expect.any(String));
      expect(schema['description']).toEqual(expect.any(String));
      expect(undescribed(schema, name)).toEqual([]);
    },
  );

  it('accept a minimal event of every type, and of a type that an operator added', () => {
    const validate = schemaValidator();
    for (const type of [...EVENT_TYPES, 'merge']) {
      const { event } = toCanonical({ type }, factsOf());
      expect(validate(event)).toEqual([]);
    }
  });

  it('hold an event to the schema of its own type', () => {
    const validate = schemaValidator();
    const { event } = toCanonical({ type: 'record', fields: ['wrong'] }, factsOf());
    expect(validate(event)).not.toEqual([]);
    expect(validate({ ...event, type: 'track' })).toEqual([]);
  });

  it('say the same of a candidate as the validator that is used at run time, also read as draft-07', () => {
    const published = schemaValidator();
    const draft07 = schemaValidator('draft-07');
    const used = createEventValidator();
    fc.assert(
      fc.property(almostEvent, fc.boolean(), (raw, broken) => {
        const { event } = toCanonical(raw, factsOf());
        fc.pre(typeof event['type'] === 'string');
        const { timestamp, ...cut } = event;
        const candidate = broken ? cut : event;
        const verdict = published(candidate).length === 0;
        expect(draft07(candidate).length === 0).toBe(verdict);
        expect(used(candidate, ['merge', 'unknown']).length === 0).toBe(verdict);
      }),
      { numRuns: 300 },
    );
  });
});
