import { isObject, type JsonValue } from '../../core/json.js';

/**
 * Reads the setting of one destination as both vendors do. Forms, XML and queries carry every value as text, so the
 * text `false` also excludes.
 */
export function settingOf(value: JsonValue): JsonValue {
  if (typeof value !== 'string') return value;
  const text = value.trim().toLowerCase();
  return text === 'false' ? false : text === 'true' ? true : value;
}

/**
 * Merges two settings of one destination: `false` wins over options, options over `true`, `true` over anything else.
 */
export function stricter(one: JsonValue, other: JsonValue): JsonValue {
  if (isObject(one) && isObject(other)) return { ...one, ...other };
  return rank(other) > rank(one) ? other : one;
}

function rank(setting: JsonValue): number {
  if (setting === false) return 3;
  if (isObject(setting)) return 2;
  return setting === true ? 1 : 0;
}
