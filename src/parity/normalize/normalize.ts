import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import { objectAt, stepsOf, withoutPath } from '../paths.js';
import { RULES } from './rules.js';

/** An event in the form in which two vendors' events of one call are equal. */
export interface Normalized {
  readonly event: JsonObject;
  /** What each rule removed or replaced. Rules that did nothing are absent. */
  readonly applied: ReadonlyMap<string, readonly JsonValue[]>;
}

/**
 * Returns a function that normalizes canonical events: first the rules, in their order, then `ignore` removes the paths
 * that are not compared. It shares parts of the event that it does not change, and never mutates the event.
 */
export function createNormalizer(ignore: readonly string[]): (event: JsonObject) => Normalized {
  const ignored = ignore.map(stepsOf);
  return (given) => {
    const event = copyOf(given);
    const context = objectAt(event, 'context') ?? {};
    event['context'] = context;
    const type = String(event['type']);
    const hasProperties = type === 'track' || type === 'page' || type === 'screen';
    if (hasProperties) event['properties'] ??= {};
    const parts = {
      type,
      context,
      properties: objectAt(event, 'properties'),
      isWeb: isWebEvent(given),
    };
    const applied = new Map<string, readonly JsonValue[]>();
    for (const rule of RULES) {
      const changes = rule.apply(event, parts);
      if (changes.length > 0) applied.set(rule.name, changes);
    }
    let kept: JsonValue = event;
    for (const steps of ignored) kept = withoutPath(kept, steps);
    return { event: kept as JsonObject, applied };
  };
}

/** Copies what rules change: the top, `context` with its page, `properties` and `integrations`. */
function copyOf(given: JsonObject): JsonObject {
  const event = { ...given };
  for (const key of ['context', 'properties', 'integrations']) {
    const part = event[key];
    if (isObject(part)) event[key] = { ...part };
  }
  const context = objectAt(event, 'context');
  const page = context && objectAt(context, 'page');
  if (context !== undefined && page !== undefined) context['page'] = { ...page };
  return event;
}

function isWebEvent({ channel, context }: JsonObject): boolean {
  if (channel === 'web' || channel === 'client' || channel === 'browser') return true;
  if (!isObject(context)) return false;
  const { page, userAgent } = context;
  return isObject(page) || (typeof userAgent === 'string' && userAgent.startsWith('Mozilla/'));
}
