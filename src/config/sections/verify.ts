import { isObject, type JsonValue } from '../../core/json.js';
import { HTTP, parseUrl } from '../../core/url.js';
import type { JwtOptions, VerifyConfig } from '../config.js';
import { type Context, warn } from '../context.js';
import { child } from '../problems/pointer.js';
import { chosen, fitted, type Variant } from './variant.js';

/** Shorter secrets can be guessed. */
const SHORT_SECRET = 16;

/**
 * Reads the `verify` of a source: one scheme, or a list of which all must pass, with header names in lower case. The
 * result is complete only if no problem was found.
 */
export function readVerify(
  value: JsonValue | undefined,
  pointer: string,
  context: Context,
): readonly VerifyConfig[] {
  const { problems } = context;
  if (value === undefined) {
    const advice =
      'set a scheme, or write "verify: { scheme: none }" to accept deliveries from anyone';
    problems.add(pointer, `is required; ${advice}`, 'missing');
    return [];
  }
  if (!Array.isArray(value)) return readScheme(value, pointer, context);
  if (value.length === 0) problems.add(pointer, 'must not be empty');
  return value.flatMap((item, at) => readScheme(item, child(pointer, at), context));
}

function readScheme(value: JsonValue, pointer: string, context: Context): VerifyConfig[] {
  if (!isObject(value)) {
    context.problems.add(pointer, 'must be a mapping such as { scheme: none }');
    return [];
  }
  const name = chosen('verify', value, pointer, context);
  if (name === undefined) return [];
  const scheme = fitted('verify', name, { ...value }, pointer, context);
  const config = scheme && resolved(scheme, pointer, context);
  if (config === undefined) return [];
  switch (config.scheme) {
    case 'none':
      warn(context, pointer, 'is none, so anyone who can reach this source can send to it');
      break;
    case 'jwt':
      checkJwt(config, pointer, context);
      break;
    case 'basic':
      config.secrets.forEach((user, at) => {
        const password = user.slice(user.indexOf(':') + 1);
        warnOfWeakSecret(password, child(child(pointer, 'secrets'), at), context);
      });
      warnOfRepeats(config.secrets, child(pointer, 'secrets'), context);
      break;
    default:
      warnOfSecrets(config.secrets, child(pointer, 'secrets'), context);
  }
  return [config];
}

/** Returns a scheme in its final form: header names in lower case, and its secrets in `secrets`. */
function resolved(
  scheme: Variant<'verify'>,
  pointer: string,
  context: Context,
): VerifyConfig | undefined {
  switch (scheme.scheme) {
    case 'basic':
      return named('basic', scheme.secrets, 'users', scheme.users, pointer, context);
    case 'write-key':
      return named('write-key', scheme.secrets, 'writeKeys', scheme.writeKeys, pointer, context);
    case 'segment-signature':
    case 'shared-secret':
    case 'hmac':
      return { ...scheme, header: scheme.header.toLowerCase() };
    default:
      return scheme;
  }
}

/** Returns the secrets of a scheme that has its own name for them, as users call them there. */
function named<Scheme extends 'basic' | 'write-key'>(
  scheme: Scheme,
  secrets: readonly string[] | undefined,
  alias: string,
  renamed: readonly string[] | undefined,
  pointer: string,
  context: Context,
): { readonly scheme: Scheme; readonly secrets: readonly string[] } | undefined {
  if (secrets === undefined && renamed !== undefined) return { scheme, secrets: renamed };
  if (secrets !== undefined && renamed === undefined) return { scheme, secrets };
  const problem =
    renamed === undefined ? 'is required' : `and ${alias} are the same option; set only one`;
  context.problems.add(child(pointer, 'secrets'), problem, 'missing');
  return undefined;
}

function warnOfSecrets(secrets: readonly string[], pointer: string, context: Context): void {
  for (const [at, secret] of secrets.entries()) {
    warnOfWeakSecret(secret, child(pointer, at), context);
  }
  warnOfRepeats(secrets, pointer, context);
}

function warnOfRepeats(values: readonly string[], pointer: string, context: Context): void {
  if (new Set(values).size < values.length) warn(context, pointer, 'contains the same value twice');
}

/** Warns if a secret is short, or has leading or trailing whitespace that the sender's form has probably trimmed. */
export function warnOfWeakSecret(secret: string, pointer: string, context: Context): void {
  if (Buffer.byteLength(secret) < SHORT_SECRET) {
    warn(context, pointer, `is shorter than ${SHORT_SECRET} bytes; use 32 random bytes`);
  }
  if (secret.trim() !== secret) warn(context, pointer, 'begins or ends with whitespace');
}

/**
 * Checks how a token is verified, as far as the schema cannot express it. `pointer` is the pointer of these options.
 */
export function checkJwt(config: JwtOptions, pointer: string, context: Context): void {
  const { problems } = context;
  const { jwks, key, algorithms } = config;
  const shared = algorithms.filter((name) => name.startsWith('HS'));
  const at = child(pointer, 'algorithms');
  if ((jwks === undefined) === (key === undefined)) {
    problems.add(pointer, 'requires either jwks or key');
  } else if (jwks !== undefined && shared.length > 0) {
    problems.add(
      at,
      `must not contain ${shared.join(', ')} together with jwks, because a key set is public`,
    );
  } else if (shared.length > 0 && shared.length < algorithms.length) {
    // If a public key is used as the secret of an HS algorithm, anyone can sign.
    problems.add(at, 'must not combine HS algorithms with algorithms for public keys');
  }
  if (jwks !== undefined) checkJwksUrl(jwks, child(pointer, 'jwks'), context);
  if (key !== undefined && shared.length > 0) warnOfWeakSecret(key, child(pointer, 'key'), context);
  if (config.requireExp === false && config.maxTokenAge === undefined) {
    warn(context, pointer, 'accepts tokens that never expire; set maxTokenAge');
  }
  if (jwks !== undefined && config.audience === undefined) {
    warn(context, pointer, 'has no audience, so tokens issued for other services are accepted');
  }
}

function checkJwksUrl(text: string, pointer: string, context: Context): void {
  const url = parseUrl(text, HTTP);
  if (url === undefined) {
    context.problems.add(pointer, 'must be an http or https URL');
  } else if (url.protocol === 'http:') {
    warn(
      context,
      pointer,
      'is fetched without TLS, so anyone on the network path can replace the keys',
    );
  }
}
