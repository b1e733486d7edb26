import { isObject, type JsonObject, type JsonValue } from './event.js';

/**
 * Adds to a context what RudderStack calls `externalId` where it has only Segment's `externalIds`. The entries are the
 * same (`id`, `type`); what Segment has beside them is kept.
 */
export function withRudderstackExternalId(context: JsonObject): JsonObject {
  const ids = context['externalIds'];
  if (!Array.isArray(ids) || isGiven(context['externalId'])) return context;
  return { ...context, externalId: ids };
}

/**
 * Adds to a context what Segment calls `externalIds` where it has only RudderStack's `externalId`. Segment's entries also
 * need a `collection` and an `encoding`, and these are the values it documents for identifiers of users.
 */
export function withSegmentExternalIds(context: JsonObject): JsonObject {
  const ids = context['externalId'];
  if (!Array.isArray(ids) || isGiven(context['externalIds'])) return context;
  const complete = ids.map((id) =>
    isObject(id) ? { collection: 'users', encoding: 'none', ...id } : id,
  );
  return { ...context, externalIds: complete };
}

function isGiven(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null;
}
