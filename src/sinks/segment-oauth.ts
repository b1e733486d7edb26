import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { TrackbridgeError } from '../errors.js';
import { createHttpClient } from './http-client.js';
import { orInterrupted } from './interrupt.js';
import { type SinkContext, SinkError } from './sink.js';
import { vendorFailure } from './tracking-api-answer.js';

export interface OAuthOptions {
  readonly clientId: string;
  readonly keyId: string;
  /** PEM of an RSA key, PKCS#8 or PKCS#1. */
  readonly privateKey: string;
  /** Left out: Segment's own for the region of the endpoint. */
  readonly tokenUrl?: string;
  readonly scope: string;
}

interface Token {
  readonly text: string;
  /** Monotonic milliseconds. */
  readonly obtainedAt: number;
}

/** Access tokens for Segment's tracking API: one at a time for all lanes, renewed at half of its life. */
export interface TokenSource {
  /** The origin that tokens come from. */
  readonly server: string;
  open(): void;
  /** A token to send with. Rejects with a retryable SinkError where there is none to be had. */
  get(signal: AbortSignal): Promise<Token>;
  /** To be told of every answer of 4xx or 5xx: whether the token may be why, so that the next one is a new one. */
  refused(token: Token, status: number): boolean;
  close(): Promise<void>;
}

/** What Segment's own library takes for a word about the token. */
const ABOUT_THE_TOKEN = new Set([400, 401, 403, 511]);
// A 400 is mostly about the events: of a token this young it says nothing, or every such answer would ask for another.
const YOUNG = 60_000;
const TOKEN_TIMEOUT = 10_000;
/** A failed renewal is repeated after this while the old token still holds. */
const RENEW_AGAIN = 60_000;
const EU = /(^|\.)eu1\.(segmentapis\.com|api\.segmentapis\.com)$/;

/**
 * OAuth 2 client credentials with a signed assertion (RFC 7523), as Segment's Node library does it: RS256, issuer and
 * subject the client's id, audience the token server, valid for a minute around the server's time, which its `Date`
 * tells. `endpoint` decides the region. Throws CONFIG_INVALID where the key cannot be read.
 */
export function createTokenSource(
  options: OAuthOptions,
  endpoint: URL,
  { clock, name }: Pick<SinkContext, 'clock' | 'name'>,
): TokenSource {
  const key = readKey(options.privateKey);
  const url = tokenUrlOf(options.tokenUrl, endpoint);
  const client = createHttpClient(url, { allowPrivateAddresses: true, secrets: [], clock });
  const about = {
    who: 'the token server',
    credentials: `it does not know this client; check sinks.${name}.oauth`,
    place: `this is no token server; check sinks.${name}.oauth.tokenUrl`,
  };
  let current: (Token & { readonly expiresAt: number }) | undefined;
  let renewAt = 0;
  let underway: Promise<Token> | undefined;
  // How far the server's clock is ahead of ours; an assertion from the future or of last hour is refused.
  let skew = 0;

  async function assertion(): Promise<string> {
    const now = Math.floor((clock.now() + skew) / 1000);
    return await new SignJWT()
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: options.keyId })
      .setIssuer(options.clientId)
      .setSubject(options.clientId)
      .setAudience(url.origin)
      .setIssuedAt(now - 5)
      .setExpirationTime(now + 55)
      .setJti(randomUUID())
      .sign(key);
  }

  async function request(): Promise<Token> {
    const signed = await assertion();
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: signed,
      scope: options.scope,
    });
    const late = new AbortController();
    const ended = new AbortController();
    void clock.sleep(TOKEN_TIMEOUT, ended.signal).then(() => late.abort());
    try {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const path = url.pathname + url.search;
      const body = form.toString();
      const answer = await client.send({ method: 'POST', path, headers, body }, late.signal);
      const date = Date.parse(answer.headers.date ?? '');
      if (!Number.isNaN(date)) skew = date - clock.now();
      // Whoever has the assertion can have a token for as long as it holds.
      const excerpt = answer.excerpt.replaceAll(signed, '***');
      const failure = vendorFailure({ ...answer, excerpt }, about, clock.now());
      if (failure !== undefined) throw forNow(failure);
      return keep(answer.body);
    } finally {
      ended.abort();
    }
  }

  function keep(body: string): Token {
    const { access_token: text, expires_in: life } = parsed(body);
    if (typeof text !== 'string' || text === '' || typeof life !== 'number' || !(life > 0)) {
      throw new SinkError('the token server answered without an access_token and expires_in', {
        retryable: true,
      });
    }
    const obtainedAt = clock.monotonic();
    current = { text, obtainedAt, expiresAt: obtainedAt + life * 1000 };
    renewAt = obtainedAt + life * 500;
    return current;
  }

  async function renew(): Promise<Token> {
    try {
      return await request();
    } catch (error) {
      if (current === undefined || clock.monotonic() >= current.expiresAt) throw error;
      renewAt = clock.monotonic() + RENEW_AGAIN;
      return current;
    }
  }

  /** One request for all lanes that wait; it does not end because one of them no longer waits. */
  function shared(): Promise<Token> {
    underway ??= renew().finally(() => {
      underway = undefined;
    });
    return underway;
  }

  return {
    server: url.origin,
    open: () => client.open(),
    close: () => client.close(),

    async get(signal) {
      if (current !== undefined && clock.monotonic() < renewAt) return current;
      return await orInterrupted(shared, signal);
    },

    refused(token, status) {
      if (!ABOUT_THE_TOKEN.has(status)) return false;
      if (status === 400 && clock.monotonic() - token.obtainedAt < YOUNG) return false;
      if (current?.text === token.text) current = undefined;
      return true;
    },
  };
}

/** No answer of the token server is about an event. */
function forNow({ excerpt, message, retryAfter }: SinkError): SinkError {
  return new SinkError(message, {
    retryable: true,
    ...(excerpt !== undefined && { excerpt }),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

function parsed(body: string): { access_token?: unknown; expires_in?: unknown } {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

function tokenUrlOf(configured: string | undefined, endpoint: URL): URL {
  const standard = EU.test(endpoint.hostname)
    ? 'https://oauth2.eu1.segmentapis.com/token'
    : 'https://oauth2.segment.io/token';
  const text = configured ?? standard;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw invalid('oauth.tokenUrl: must be a complete http:// or https:// URL');
}

/** An environment variable holds a PEM's line breaks as `\n`, mostly. */
function readKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw invalid('oauth.privateKey: must be an RSA private key as PEM text');
  }
  if (key.asymmetricKeyType === 'rsa') return key;
  throw invalid('oauth.privateKey: must be an RSA key, as Segment checks RS256');
}

function invalid(problem: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', problem);
}
