import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { SinkOptions } from '../../config/config.js';
import { configInvalid } from '../../core/errors.js';
import { createHttpClient } from '../kit/http-client.js';
import { orInterrupted } from '../kit/interrupt.js';
import { urlOption } from '../kit/url-option.js';
import { type SinkContext, SinkError } from '../sink.js';
import { vendorFailure } from './answer.js';

export type OAuthOptions = NonNullable<SinkOptions['segment']['oauth']>;

interface Token {
  readonly text: string;
  /** Monotonic milliseconds. */
  readonly obtainedAt: number;
}

/** Access tokens for Segment's tracking API: one at a time for all lanes, renewed after half of its lifetime. */
export interface TokenSource {
  /** The origin of the token server. */
  readonly server: string;
  open(): void;
  /** Resolves to a valid token. Rejects with a retryable SinkError if none is available. */
  get(signal: AbortSignal): Promise<Token>;
  /** Call it for every 4xx or 5xx answer. Returns whether the token may be the cause, so that the next one is new. */
  refused(token: Token, status: number): boolean;
  close(): Promise<void>;
}

/** The statuses that Segment's own library attributes to the token. */
const ABOUT_THE_TOKEN = new Set([400, 401, 403, 511]);
// A 400 is mostly about the events. It is not attributed to a token this young, or every such answer would request
// another.
const YOUNG = 60_000;
const TOKEN_TIMEOUT = 10_000;
/** Milliseconds after which a failed renewal is repeated while the old token is still valid. */
const RENEW_AGAIN = 60_000;
const EU = /(^|\.)eu1\.(segmentapis\.com|api\.segmentapis\.com)$/;

/**
 * OAuth 2 client credentials with a signed assertion (RFC 7523), as in Segment's Node library: RS256, issuer and
 * subject are the client's id, the audience is the token server, valid for a minute around the server's time, which its
 * `Date` reports. `endpoint` determines the region. Throws CONFIG_INVALID if the key cannot be read.
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
    credentials: `the client is unknown; check sinks.${name}.oauth`,
    place: `this is not a token server; check sinks.${name}.oauth.tokenUrl`,
  };
  let current: (Token & { readonly expiresAt: number }) | undefined;
  let renewAt = 0;
  let underway: Promise<Token> | undefined;
  // How far the server's clock is ahead of this machine's. An assertion from the future or the past hour is rejected.
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
      // Anyone with the assertion can obtain a token while it is valid.
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

  /** One request for all waiting lanes; it continues if one of them stops waiting. */
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
function forNow({ farSide, message, retryAfter }: SinkError): SinkError {
  return new SinkError(message, {
    retryable: true,
    ...(farSide !== undefined && { farSide }),
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
  return urlOption(configured ?? standard, 'oauth.tokenUrl');
}

/** Environment variables often hold a PEM's line breaks as `\n`. */
function readKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw configInvalid('oauth.privateKey: must be an RSA private key as PEM text');
  }
  if (key.asymmetricKeyType === 'rsa') return key;
  throw configInvalid('oauth.privateKey: must be an RSA key; Segment requires RS256');
}
