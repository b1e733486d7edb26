import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { Config } from '../config.js';

const MASK = '***';

/** Keys whose value is always a secret, also in the free options of a module sink. */
const SECRET_PART =
  /secret|token|passw|passphrase|credential|authorization|cookie|private_?key|api_?key|access_?key/i;
const SECRET_NAME = /^(key|users|headers|write_?keys?|sasl|dsn)$/i;

/**
 * Returns the configuration for people and logs: the values of secrets, tokens, passwords, keys and headers are `***`,
 * and so are user, password and query of URLs.
 */
export function redactConfig(config: Config): JsonObject {
  // A configuration is plain JSON, so it is copied through JSON.
  const copy: JsonValue = JSON.parse(JSON.stringify(config));
  if (!isObject(copy)) return {};
  const { sources, sinks, ...rest } = copy;
  return { ...redactMembers(rest), sources: redactNamed(sources), sinks: redactNamed(sinks) };
}

/** Redacts each member by itself, since a source may be named `token`. */
function redactNamed(named: JsonValue | undefined): JsonValue {
  const members = Object.entries(isObject(named) ? named : {});
  return Object.fromEntries(members.map(([name, member]) => [name, redact(member)]));
}

function redactMembers(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      const secret = SECRET_PART.test(key) || SECRET_NAME.test(key);
      return [key, secret ? mask(value) : redact(value)];
    }),
  );
}

function redact(value: JsonValue): JsonValue {
  if (typeof value === 'string') return redactUrl(value);
  if (Array.isArray(value)) return value.map(redact);
  return isObject(value) ? redactMembers(value) : value;
}

/** Keeps the shape, so that the number of secrets and the names of headers remain visible. */
function mask(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(mask);
  if (!isObject(value)) return MASK;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mask(member)]));
}

function redactUrl(text: string): string {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return text;
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const userinfo = host.length < authority.length ? `${MASK}@` : '';
  const tail = rest.slice(authority.length).replace(/[?#].*$/s, (from) => `${from[0]}${MASK}`);
  return `${scheme}${userinfo}${host}${tail}`;
}
