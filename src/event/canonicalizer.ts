import type { Violation } from '../errors.js';
import { type DeliveryFacts, toCanonical } from './canonical.js';
import { type CanonicalEvent, isObject, type JsonValue } from './event.js';
import { createEventValidator } from './validate.js';

// What a caller has to hand over with an event: callers need this module only.
export type { DeliveryFacts };

export type Outcome =
  | { readonly ok: true; readonly event: CanonicalEvent; readonly messageIdGenerated: boolean }
  /** Paths point into the canonical form, whose fields have the names they came under. */
  | { readonly ok: false; readonly errors: readonly Violation[] };

/** Makes one decoded value a valid canonical event or says what is wrong with it; never throws for any JSON value. */
export type Canonicalizer = (raw: JsonValue, facts: DeliveryFacts) => Outcome;

/** Reads and compiles the schemas once; make one and share it. */
export function createCanonicalizer(): Canonicalizer {
  const validate = createEventValidator();

  return (raw, facts) => {
    if (!isObject(raw)) {
      return { ok: false, errors: [{ path: '', message: 'must be a JSON object' }] };
    }
    const { event, messageIdGenerated } = toCanonical(raw, facts);
    const errors = validate(event, facts.extraTypes);
    if (errors.length > 0) return { ok: false, errors };
    // The schema has just established what the type says.
    return { ok: true, event: event as CanonicalEvent, messageIdGenerated };
  };
}
