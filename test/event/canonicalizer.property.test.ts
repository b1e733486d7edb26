import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonValue } from '../../src/core/json.js';
import { createCanonicalizer } from '../../src/event/canonicalizer.js';
import { schemaValidator } from '../schemas/validator.js';
import { almostEvent, json } from './arbitraries.js';
import { factsOf } from './facts.js';

const canonicalize = createCanonicalizer();
const followsSchema = schemaValidator();
const facts = factsOf({ extraTypes: ['Merge'] });
const anything: fc.Arbitrary<JsonValue> = fc.oneof({ weight: 4, arbitrary: almostEvent }, json);
const untyped = fc.constantFrom(undefined, { as: 'track', event: 'Row' }, { as: 'Identify' });

const KNOWN = new Set([
  ...['type', 'messageId', 'userId', 'anonymousId', 'groupId', 'previousId', 'event', 'name'],
  ...['category', 'properties', 'traits', 'context', 'integrations', 'timestamp'],
  ...['originalTimestamp', 'sentAt', 'receivedAt', 'action', 'fields', 'identifiers'],
  ...['writeKey', 'receipt', '__proto__'],
]);

describe('the canonicalizer, of any JSON value', () => {
  it('makes a valid event by the published schema, or says where it is wrong, and never throws', () => {
    let ok = 0;
    fc.assert(
      fc.property(anything, untyped, (raw, wrap) => {
        const outcome = canonicalize(raw, wrap === undefined ? facts : { ...facts, untyped: wrap });
        if (outcome.ok) {
          ok += 1;
          expect(followsSchema(outcome.event)).toEqual([]);
          expect(followsSchema(JSON.parse(JSON.stringify(outcome.event)))).toEqual([]);
        } else {
          expect(outcome.errors.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
    // Otherwise this would prove nothing about events.
    expect(ok).toBeGreaterThan(50);
  });

  it('changes nothing in what it was given', () => {
    fc.assert(
      fc.property(anything, (raw) => {
        const before = JSON.stringify(raw);
        canonicalize(raw, facts);
        expect(JSON.stringify(raw)).toBe(before);
      }),
    );
  });

  it('leaves a canonical event as it is, but for its receipt', () => {
    fc.assert(
      fc.property(almostEvent, (raw) => {
        const first = canonicalize(raw, facts);
        fc.pre(first.ok);
        const { receipt: _, ...event } = first.event;
        const second = canonicalize(event, { ...facts, receivedAt: facts.receivedAt + 5_000 });
        if (!second.ok) throw new Error(JSON.stringify(second.errors));
        const { receipt, ...again } = second.event;
        expect(JSON.stringify(again)).toBe(JSON.stringify(event));
        expect(receipt).not.toHaveProperty('messageIdGenerated');
        expect(receipt).not.toHaveProperty('unreadable');
      }),
      { numRuns: 300 },
    );
  });

  it('keeps every field that it does not know', () => {
    fc.assert(
      fc.property(almostEvent, (raw) => {
        const outcome = canonicalize(raw, facts);
        fc.pre(outcome.ok);
        for (const [key, value] of Object.entries(raw)) {
          if (!KNOWN.has(key)) expect(outcome.event[key]).toBe(value);
        }
      }),
    );
  });

  it('lets no write key through', () => {
    fc.assert(
      fc.property(almostEvent, (raw) => {
        const outcome = canonicalize(raw, facts);
        fc.pre(outcome.ok);
        expect(Object.hasOwn(outcome.event, 'writeKey')).toBe(false);
        expect(isObject(outcome.event.context) && 'writeKey' in outcome.event.context).toBe(false);
      }),
    );
  });
});
