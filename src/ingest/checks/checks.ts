import type { Canonicalizer } from '../../event/canonicalizer.js';
import { hasHop } from '../../event/hops.js';
import { missingField } from '../../event/vendor-requirements.js';
import type { OnUnreadable } from '../unreadable-timestamps.js';
import { canonical } from './canonical.js';
import { type Check, type Objection, quarantineIf } from './check.js';

export interface CheckDeps {
  readonly canonicalize: Canonicalizer;
  readonly uuid: () => string;
  /** Identifies this receiver in events that it has forwarded. */
  readonly bridgeId: () => string;
  readonly onUnreadable: OnUnreadable;
}

/**
 * Returns the checks that an event must pass, in this order, before it is accepted: on delivery, and again when it is
 * replayed from quarantine. Authentication comes first, so that no work is spent on unauthenticated events.
 */
export function createChecks({
  canonicalize,
  uuid,
  bridgeId,
  onUnreadable,
}: CheckDeps): readonly Check[] {
  return [
    authenticated,
    vendorRules,
    canonical(canonicalize, uuid, onUnreadable),
    requiredFields,
    hops(bridgeId),
  ];
}

/** Checks whether verification authenticated the event. If not, the source's `onUnauthenticated` decides. */
const authenticated: Check = {
  name: 'authenticated',
  apply({ source, unauthenticated }) {
    if (unauthenticated === undefined) return undefined;
    const { onUnauthenticated } = source.config;
    const outcome = onUnauthenticated === 'reject' ? 'drop' : 'quarantine';
    const errors = [{ path: '', message: unauthenticated }];
    return { outcome, reason: 'unauthenticated', errors };
  },
};

/** Checks the rules of the API that the source emulates, such as its size limit. */
const vendorRules: Check = {
  name: 'vendor rules',
  apply: ({ source, raw, facts }) =>
    quarantineIf(source.violationsOf?.(raw, facts.sent ?? {}) ?? []),
};

/** With `require: spec`, checks whether the event has the field that both vendors require for its type. */
const requiredFields: Check = {
  name: 'required fields',
  apply({ source, canonical }) {
    if (source.config.require !== 'spec' || canonical === undefined) return undefined;
    const field = missingField(canonical.event);
    return quarantineIf(field === undefined ? [] : [{ path: `/${field}`, message: 'is missing' }]);
  },
};

const LOOPED: Objection = {
  outcome: 'drop',
  reason: 'looped',
  errors: [
    {
      path: '/context/trackbridge/hops',
      message:
        'names this receiver, which forwarded the event itself: accepting it would be a loop',
    },
  ],
};

/** Checks whether this receiver has already forwarded the event. Such an event would loop forever. */
function hops(bridgeId: () => string): Check {
  return {
    name: 'hops',
    apply: ({ canonical }) =>
      canonical !== undefined && hasHop(canonical.event, bridgeId()) ? LOOPED : undefined,
  };
}
