import { applySchema } from './apply-schema.js';
import type { AdminConfig, OutboxConfig, ServerConfig } from './config.js';
import {
  belongsTo,
  type Context,
  mappingAt,
  optionsByVariant,
  variantOf,
  warn,
} from './context.js';
import type { JsonObject, JsonValue } from './json.js';
import type { Environment } from './references.js';
import { checkJwt, warnOfWeakSecret } from './verify.js';

// What these return is complete only where no problem was found; nobody looks at it otherwise.

/** What the command line says, which comes before the file. */
export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** The `server` section: the command line first, then the file, `HOST` and `PORT`, and the defaults. */
export function resolveServer(
  value: JsonValue | undefined,
  overrides: Overrides,
  env: Environment,
  context: Context,
): ServerConfig {
  const server = mappingAt(value, '/server', context) ?? {};
  const set = (key: string, given: JsonValue | undefined, from: string): void => {
    if (given === undefined || given === '') return;
    server[key] = given;
    // Errors then name where the value came from, and no place in the file.
    context.problems.setOutside(`/server/${key}`);
    context.references.whole.set(`/server/${key}`, from);
    context.references.all.add(`/server/${key}`);
  };
  if (server['host'] === undefined) set('host', env['HOST'], 'HOST');
  if (server['port'] === undefined) set('port', env['PORT'], 'PORT');
  set('host', overrides.host, '--host');
  set('port', overrides.port, '--port');
  applySchema(context.schemas.part('server'), server, '/server', context);
  return server as unknown as ServerConfig;
}

/** The `admin` section, which is absent where it is left out. */
export function resolveAdmin(
  value: JsonValue | undefined,
  context: Context,
): AdminConfig | undefined {
  if (value === undefined) return undefined;
  const admin = mappingAt(value, '/admin', context);
  if (!admin || !applySchema(context.schemas.part('admin'), admin, '/admin', context))
    return undefined;
  const { token } = admin;
  if (typeof token === 'string') warnOfWeakSecret(token, '/admin/token', context);
  const config = admin as unknown as AdminConfig;
  if (config.jwt !== undefined) checkJwt(config.jwt, '/admin/jwt', context);
  return config;
}

/** The `outbox` section. `dataDir` is where the database is where nothing says otherwise. */
export function resolveOutbox(
  value: JsonValue | undefined,
  dataDir: string,
  context: Context,
): OutboxConfig {
  const outbox: JsonObject = { type: 'sqlite', ...mappingAt(value, '/outbox', context) };
  const options = optionsByVariant(context.schemas, 'outbox');
  const type = variantOf(outbox, 'type', [...options.keys()], '/outbox', context);
  if (type === undefined) return outbox as unknown as OutboxConfig;
  if (type === 'sqlite') outbox['path'] ??= `${dataDir}/outbox.db`;
  applySchema(context.schemas.part(`outbox-${type}`), outbox, '/outbox', context, (option) =>
    belongsTo(option, 'type', type, options),
  );
  if (type === 'memory') warn(context, '/outbox', 'is in memory: a restart loses what is pending');
  return { path: '', durability: 'normal', ...outbox } as unknown as OutboxConfig;
}
