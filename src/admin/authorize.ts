import type { Context, Middleware } from 'koa';
import type { JwtOptions } from '../config/config.js';
import { type Clock, timeLimit } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { bearerTokens } from '../verify/authorization.js';
import { headerBytes, secretMatcher } from '../verify/compare.js';
import { headerLines } from '../verify/header-lines.js';
import { jwt } from '../verify/jwt/jwt.js';
import type { HeaderLines, Verifier } from '../verify/verifier.js';
import { FailedAttempts } from './failures.js';

/**
 * Who may use the admin listener: callers with the token, or with a valid JSON Web Token. With neither: this machine.
 */
export interface Credentials {
  readonly token?: string;
  readonly jwt?: JwtOptions;
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Admits a request that carries `token`, or a token that `jwt` accepts, in `Authorization: Bearer`. Cookies do not
 * count. Wrong credentials are answered 401 and, after a few from one address, 429 (see FailedAttempts). Missing
 * credentials are always answered 401.
 *
 * With neither configured, the listener is on loopback only (the configuration enforces it), and the Host header must
 * be loopback too. Otherwise a page in the operator's browser could reach the listener under a name of its own that
 * resolves to 127.0.0.1. Throws CONFIG_INVALID if `jwt` cannot work as configured.
 */
export function authorize(credentials: Credentials, clock: Clock): Middleware {
  const isGood = credentialCheck(credentials, clock);
  if (isGood === undefined) return loopbackOnly;
  const failures = new FailedAttempts(clock);
  return async (ctx, next) => {
    const headers = headerLines(ctx.req.rawHeaders);
    const address = ctx.req.socket.remoteAddress ?? '';
    const good =
      bearerTokens(headers).length > 0 && (await failures.attempt(address, () => isGood(headers)));
    if (good) return await next();
    throw new TrackbridgeError(
      'UNAUTHENTICATED',
      'the admin API requires admin.token, or a token that admin.jwt accepts, as a bearer token',
      { headers: { 'www-authenticate': 'Bearer' } },
    );
  };
}

/** How long a request for a key set may take, in milliseconds. */
const LONGEST_CHECK = 5_000;

type CredentialCheck = (headers: HeaderLines) => Promise<boolean>;

function credentialCheck(
  { token, jwt: options }: Credentials,
  clock: Clock,
): CredentialCheck | undefined {
  if (token === undefined && options === undefined) return undefined;
  const isToken = secretMatcher(token === undefined ? [] : [token]);
  const verifier = options && createVerifier(options, clock);
  return async (headers) => {
    const [sent, another] = bearerTokens(headers);
    // A thousand header lines in one request would be a thousand guesses that count as one.
    if (sent === undefined || another !== undefined) return false;
    if (isToken(headerBytes(sent))) return true;
    if (verifier === undefined) return false;
    const request = { method: '', query: '', headers, body: Buffer.alloc(0) };
    return (await verifier.verify(request, timeLimit(LONGEST_CHECK))).passed;
  };
}

function createVerifier(options: JwtOptions, clock: Clock): Verifier {
  try {
    return jwt({ scheme: 'jwt', ...options }, clock);
  } catch (error) {
    if (!(error instanceof TrackbridgeError)) throw error;
    // The scheme names its options as in sources, where they are below `verify`.
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      error.message.replaceAll(/\bverify\./g, 'admin.jwt.'),
    );
  }
}

const loopbackOnly: Middleware = (ctx: Context, next) => {
  if (LOOPBACK.test(ctx.get('host'))) return next();
  throw new TrackbridgeError(
    'FORBIDDEN',
    'without admin.token or admin.jwt, the admin API accepts only requests to localhost, 127.0.0.1 and [::1]',
  );
};
