import { scan } from 'secure-json-parse';
import { TrackbridgeError } from '../errors.js';
import type { JsonValue } from '../event/event.js';
import type { Limits } from './limits.js';

/**
 * Takes every member named `__proto__`, and every `constructor` that holds `prototype`, out of a decoded value, at any
 * depth and in place, and returns it. What stays behind is safe to copy with code that walks prototypes.
 */
export function dropPrototypeKeys(value: JsonValue): JsonValue {
  if (typeof value === 'object' && value !== null) {
    scan(value as object & Record<string, unknown>, {
      protoAction: 'remove',
      constructorAction: 'remove',
    });
  }
  return value;
}

/**
 * Throws LIMIT_EXCEEDED where a decoded value nests objects and arrays over `limits.depth` levels, or its objects hold
 * over `limits.keys` keys together. Goes level by level instead of recursing: hostile depth must not use up the stack.
 */
export function checkLimits(value: JsonValue, limits: Limits): void {
  let keys = 0;
  let level: object[] = isContainer(value) ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > limits.depth) throw tooDeep(limits);
    const next: object[] = [];
    for (const container of level) {
      if (Array.isArray(container)) {
        for (const item of container) if (isContainer(item)) next.push(item);
        continue;
      }
      // Over Object.values() it halves the time on every event; decoded objects inherit nothing that is enumerable.
      for (const key in container) {
        keys++;
        const member = (container as Record<string, unknown>)[key];
        if (isContainer(member)) next.push(member);
      }
      if (keys > limits.keys) throw tooManyKeys(limits);
    }
    level = next;
  }
}

/** The error for a body nested over `limits.depth` levels. */
export function tooDeep(limits: Limits): TrackbridgeError {
  const detail = `the body nests over ${limits.depth} levels of objects and arrays; send flatter events`;
  return new TrackbridgeError('LIMIT_EXCEEDED', detail);
}

/** The error for a body with over `limits.keys` keys. */
export function tooManyKeys(limits: Limits): TrackbridgeError {
  const detail = `the body holds over ${limits.keys} keys; send smaller events or smaller batches`;
  return new TrackbridgeError('LIMIT_EXCEEDED', detail);
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
