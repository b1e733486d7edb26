import { isObject, type JsonValue } from '../../core/json.js';
import type { Config, JwtOptions, SourceConfig } from '../config.js';
import { redactConfig } from './redact.js';

/** Shorter values in a sink's headers and options are words, such as a SASL mechanism. */
const SHORTEST_OF_SINKS = 8;

const MEDIA_TYPE = /^(?:application|audio|image|multipart|text|video)\/[a-z0-9.+*-]+(?:;.*)?$/i;

/**
 * Returns every text of a configuration that must not be shown anywhere: credentials that authenticate deliveries and
 * operators, of any length, and the credentials of sinks.
 */
export function secretTexts(config: Config): string[] {
  const { admin, sinks, sources, telemetry } = config;
  const found = [
    ...(admin?.token === undefined ? [] : [admin.token]),
    ...(admin?.jwt === undefined ? [] : ofJwt(admin.jwt)),
    ...Object.values(sources).flatMap(ofSource),
    ...(config.outbox.type === 'postgres' ? ofUrl(firstHost(config.outbox.url)) : []),
    ...hidden({ sinks, telemetry }, redactConfig(config)).filter(
      (text) => text.length >= SHORTEST_OF_SINKS && !MEDIA_TYPE.test(text),
    ),
  ];
  return [...new Set(found.filter((text) => text !== ''))];
}

function ofSource(source: SourceConfig): string[] {
  const schemes = source.verify.flatMap((each) => {
    if (each.scheme === 'jwt') return ofJwt(each);
    if (each.scheme === 'none') return [];
    if (each.scheme !== 'basic') return each.secrets;
    return each.secrets.flatMap((pair) => [pair, pair.slice(pair.indexOf(':') + 1)]);
  });
  const keys = 'writeKeys' in source ? source.writeKeys.map(({ key }) => key) : [];
  const oauth = source.type === 'tracking-api' ? source.oauth : undefined;
  const tokens = oauth === undefined ? [] : [oauth.secret, ...oauth.previousSecrets];
  return [...schemes, ...keys, ...tokens];
}

/** A public key is not a secret. */
function ofJwt({ algorithms, jwks, key }: JwtOptions): string[] {
  const shared = key !== undefined && algorithms.some((name) => name.startsWith('HS'));
  return [...(shared ? [key] : []), ...(jwks === undefined ? [] : ofUrl(jwks))];
}

/** Returns the texts of `value` that are masked in `shown`, its redacted form. */
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
  // The part after the scheme of an Authorization header is a secret by itself too.
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

/** Removes all hosts of a URL but the first, which no URL parser accepts. */
function firstHost(url: string): string {
  return url.replace(/^([^:]*:\/\/(?:[^@/?#]*@)?[^,/?#]*),[^/?#]*/, '$1');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
