import type { JsonValue } from '../../core/json.js';
import type { ServerConfig } from '../config.js';
import { type Context, mappingAt } from '../context.js';
import { applySchema } from '../schema/apply.js';
import { refuseBoth } from './socket.js';

/** Reads the `server` section. The command line comes first, then the file, `HOST` and `PORT`, and the defaults. */
export function readServer(
  value: JsonValue | undefined,
  context: Context,
): ServerConfig | undefined {
  const { env, overrides, problems, references } = context;
  const server = mappingAt(value, '/server', context) ?? {};
  const set = (key: string, given: JsonValue | undefined, from: string): void => {
    if (given === undefined || given === '') return;
    server[key] = given;
    // Errors then name the origin of the value instead of a position in the file.
    problems.setOutside(`/server/${key}`);
    references.whole.set(`/server/${key}`, from);
    references.all.add(`/server/${key}`);
  };
  if (server['socket'] !== undefined) {
    refuseBoth(server, '/server', context);
    for (const name of ['host', 'port'] as const) {
      if (overrides[name] === undefined) continue;
      problems.add('/server/socket', `conflicts with --${name}; remove one of them`);
    }
  } else {
    if (server['host'] === undefined) set('host', env['HOST'], 'HOST');
    if (server['port'] === undefined) set('port', env['PORT'], 'PORT');
  }
  set('host', overrides.host, '--host');
  set('port', overrides.port, '--port');
  const fits = applySchema(context.schemas.part('server'), server, '/server', context);
  return fits ? server : undefined;
}
