import type { Config, JwtOptions, SourceConfig } from './config.js';
import { isObject, type JsonValue } from './json.js';
import { redactConfig } from './redact.js';

/** Shorter values of a sink's headers and options are words, such as a SASL mechanism. */
const SHORTEST_OF_SINKS = 8;

const MEDIA_TYPE = /^(?:application|audio|image|multipart|text|video)\/[a-z0-9.+*-]+(?:;.*)?$/i;

/**
 * Every text of a configuration that must not be shown, wherever it turns up: what authenticates deliveries and operators,
 * of any length, and what sinks authenticate themselves with.
 */
export function secretTexts(config: Config): string[] {
  const { admin, sinks, sources } = config;
  const found = [
    ...(admin?.token === undefined ? [] : [admin.token]),
    ...(admin?.jwt === undefined ? [] : ofJwt(admin.jwt)),
    ...Object.values(sources).flatMap(ofSource),
    ...hidden(sinks, redactConfig(config)['sinks']).filter(
      (text) => text.length >= SHORTEST_OF_SINKS && !MEDIA_TYPE.test(text),
    ),
  ];
  return [...new Set(found.filter((text) => text !== ''))];
}

function ofSource({ verify, writeKeys = [], oauth }: SourceConfig): string[] {
  const schemes = verify.flatMap((each) => {
    if (each.scheme === 'jwt') return ofJwt(each);
    if (each.scheme === 'none') return [];
    if (each.scheme !== 'basic') return each.secrets;
    return each.secrets.flatMap((pair) => [pair, pair.slice(pair.indexOf(':') + 1)]);
  });
  const tokens = oauth === undefined ? [] : [oauth.secret, ...oauth.previousSecrets];
  return [...schemes, ...writeKeys.map(({ key }) => key), ...tokens];
}

/** A public key is none. */
function ofJwt({ algorithms, jwks, key }: JwtOptions): string[] {
  const shared = key !== undefined && algorithms.some((name) => name.startsWith('HS'));
  return [...(shared ? [key] : []), ...(jwks === undefined ? [] : ofUrl(jwks))];
}

/** The texts of `value` that `shown`, the same for people, does not show. */
function hidden(value: unknown, shown: JsonValue | undefined): string[] {
  if (typeof value === 'string') return value === shown ? [] : ofText(value);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    if (Array.isArray(shown)) return hidden(member, shown[Number(key)]);
    return hidden(member, isObject(shown) ? shown[key] : undefined);
  });
}

function ofText(text: string): string[] {
  if (URL.canParse(text) && text.includes('://')) return ofUrl(text);
  // What stands behind the scheme of an Authorization header is the secret also without it.
  const bare = /^(?:basic|bearer|token)\s+(.+)$/i.exec(text)?.[1];
  return bare === undefined ? [text] : [text, bare];
}

function ofUrl(text: string): string[] {
  if (!URL.canParse(text)) return [text];
  const { username, password, search } = new URL(text);
  const user = password === '' ? username : password;
  const raw = search
    .slice(1)
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  return [user, ...raw].flatMap((each) => [each, decoded(each)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
