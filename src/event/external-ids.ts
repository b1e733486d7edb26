import { isObject, type JsonObject, type JsonValue } from '../core/json.js';

/**
 * Adds RudderStack's `externalId` to a context that has only Segment's `externalIds`. The entries are the same (`id`,
 * `type`); Segment's additional fields are kept.
 */
export function withRudderstackExternalId(context: JsonObject): JsonObject {
  const ids = context['externalIds'];
  if (!Array.isArray(ids) || isGiven(context['externalId'])) return context;
  return { ...context, externalId: ids };
}

/**
 * Adds Segment's `externalIds` to a context that has only RudderStack's `externalId`. Segment's entries also require a
 * `collection` and an `encoding`; the values are those Segment documents for user identifiers.
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
