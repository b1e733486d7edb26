import type { JsonValue } from '../../core/json.js';
import type { AdminConfig } from '../config.js';
import { type Context, mappingAt } from '../context.js';
import { applySchema } from '../schema/apply.js';
import { refuseBoth } from './socket.js';
import { checkJwt, warnOfWeakSecret } from './verify.js';

/** Reads the `admin` section; undefined if it is omitted. */
export function readAdmin(value: JsonValue | undefined, context: Context): AdminConfig | undefined {
  if (value === undefined) return undefined;
  const admin = mappingAt(value, '/admin', context);
  if (admin !== undefined) refuseBoth(admin, '/admin', context);
  if (!admin || !applySchema(context.schemas.part('admin'), admin, '/admin', context)) {
    return undefined;
  }
  if (admin.token !== undefined) warnOfWeakSecret(admin.token, '/admin/token', context);
  if (admin.jwt !== undefined) checkJwt(admin.jwt, '/admin/jwt', context);
  return admin;
}
