import type { Violation } from '../core/errors.js';
import { isObject, type JsonValue } from '../core/json.js';
import { type DeliveryFacts, toCanonical } from './canonical.js';
import type { CanonicalEvent } from './event.js';
import { createEventValidator } from './validate.js';

// Re-exported so that callers need only this module.
export type { DeliveryFacts };

export type Canonicalized =
  | { readonly ok: true; readonly event: CanonicalEvent; readonly messageIdGenerated: boolean }
  /** Paths point into the canonical form, whose fields keep the names they were sent with. */
  | { readonly ok: false; readonly errors: readonly Violation[] };

/** Turns one decoded value into a valid canonical event or returns its violations. Never throws for any JSON value. */
export type Canonicalizer = (raw: JsonValue, facts: DeliveryFacts) => Canonicalized;

/** Reads and compiles the schemas. Create one and share it. */
export function createCanonicalizer(): Canonicalizer {
  const validate = createEventValidator();

  return (raw, facts) => {
    if (!isObject(raw)) {
      return { ok: false, errors: [{ path: '', message: 'must be a JSON object' }] };
    }
    const { event, messageIdGenerated } = toCanonical(raw, facts);
    const errors = validate(event, facts.extraTypes);
    if (errors.length > 0) return { ok: false, errors };
    // The schema has just established this type.
    return { ok: true, event: event as CanonicalEvent, messageIdGenerated };
  };
}
