import { applySchema } from './apply-schema.js';
import type { JwtOptions, VerifyConfig } from './config.js';
import { belongsTo, type Context, optionsByVariant, variantOf, warn } from './context.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import { child } from './pointer.js';

/** Below this a secret can be guessed; contract section 3. */
const SHORT_SECRET = 16;

/**
 * The `verify` of a source: one scheme, or a list of which all must hold, with header names in lower case. Complete
 * only where no problem was found.
 */
export function resolveVerify(
  value: JsonValue | undefined,
  pointer: string,
  context: Context,
): readonly VerifyConfig[] {
  const { problems } = context;
  if (value === undefined) {
    const advice =
      'name a scheme, or write "verify: { scheme: none }" to take deliveries from anyone';
    problems.add(pointer, `is missing; ${advice}`, 'missing');
    return [];
  }
  if (!Array.isArray(value)) return resolveScheme(value, pointer, context);
  if (value.length === 0) problems.add(pointer, 'must not be empty');
  return value.flatMap((item, at) => resolveScheme(item, child(pointer, at), context));
}

function resolveScheme(value: JsonValue, pointer: string, context: Context): VerifyConfig[] {
  const { problems, schemas } = context;
  if (!isObject(value)) {
    problems.add(pointer, 'must be a mapping such as { scheme: none }');
    return [];
  }
  const scheme = { ...value };
  const options = optionsByVariant(schemas, 'verify');
  const name = variantOf(scheme, 'scheme', [...options.keys()], pointer, context);
  if (name === undefined) return [];
  const fits = applySchema(schemas.part(`verify-${name}`), scheme, pointer, context, (option) =>
    belongsTo(option, 'scheme', name, options),
  );
  if (!fits) return [];

  if (typeof scheme['header'] === 'string') scheme['header'] = scheme['header'].toLowerCase();
  const alias = ALIASES.get(name);
  if (alias !== undefined && !settleAlias(scheme, alias, pointer, context)) return [];
  const config = scheme as unknown as VerifyConfig;
  switch (config.scheme) {
    case 'none':
      warn(context, pointer, 'is none: anyone who reaches this source can send to it');
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

/** What `secrets` may be called as well, by scheme: what people call them there. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['basic', 'users'],
  ['write-key', 'writeKeys'],
]);

/** Moves the values to `secrets`. False, and a problem, where there are none, or both names are used. */
function settleAlias(
  scheme: JsonObject,
  alias: string,
  pointer: string,
  context: Context,
): boolean {
  const { [alias]: renamed } = scheme;
  if ((renamed === undefined) === (scheme['secrets'] === undefined)) {
    const problem = renamed === undefined ? 'is missing' : `and ${alias} are the same: use one`;
    context.problems.add(child(pointer, 'secrets'), problem, 'missing');
    return false;
  }
  if (renamed !== undefined) scheme['secrets'] = renamed;
  delete scheme[alias];
  return true;
}

function warnOfSecrets(secrets: readonly string[], pointer: string, context: Context): void {
  for (const [at, secret] of secrets.entries()) {
    warnOfWeakSecret(secret, child(pointer, at), context);
  }
  warnOfRepeats(secrets, pointer, context);
}

function warnOfRepeats(values: readonly string[], pointer: string, context: Context): void {
  if (new Set(values).size < values.length) warn(context, pointer, 'holds the same value twice');
}

/** Warns where a secret is short, or carries white space that the sender's form has probably trimmed. */
export function warnOfWeakSecret(secret: string, pointer: string, context: Context): void {
  if (Buffer.byteLength(secret) < SHORT_SECRET) {
    warn(context, pointer, `is shorter than ${SHORT_SECRET} bytes; use a random one of 32`);
  }
  if (secret.trim() !== secret) warn(context, pointer, 'begins or ends with white space');
}

/** What the schema cannot say of how a token is checked; `pointer` is where that stands. */
export function checkJwt(config: JwtOptions, pointer: string, context: Context): void {
  const { problems } = context;
  const { jwks, key, algorithms } = config;
  const shared = algorithms.filter((name) => name.startsWith('HS'));
  const at = child(pointer, 'algorithms');
  if ((jwks === undefined) === (key === undefined)) {
    problems.add(pointer, 'needs either jwks or key');
  } else if (jwks !== undefined && shared.length > 0) {
    problems.add(at, `must not hold ${shared.join(', ')} together with jwks: a key set is public`);
  } else if (shared.length > 0 && shared.length < algorithms.length) {
    // A public key taken for the secret of an HS algorithm lets anyone sign.
    problems.add(at, 'must not mix HS algorithms with those of public keys');
  }
  if (jwks !== undefined) checkJwksUrl(jwks, child(pointer, 'jwks'), context);
  if (key !== undefined && shared.length > 0) warnOfWeakSecret(key, child(pointer, 'key'), context);
  if (jwks !== undefined && config.audience === undefined) {
    warn(
      context,
      pointer,
      'has no audience: tokens that the issuer made for others are accepted too',
    );
  }
}

function checkJwksUrl(text: string, pointer: string, context: Context): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    context.problems.add(pointer, 'must be an http or https URL');
  } else if (url.protocol === 'http:') {
    warn(context, pointer, 'is fetched without TLS: whoever is on the way can replace the keys');
  }
}
