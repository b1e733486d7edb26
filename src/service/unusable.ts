import { configInvalid, TrackbridgeError } from '../core/errors.js';
import type { Role } from '../outbox/role.js';

/** A receiver without a configuration file cannot read it again. */
export function noFile(): never {
  throw configInvalid(
    'this receiver was started without a configuration file, so there is nothing to read again; start it with --config FILE',
  );
}

/** Only members that share a store have roles. */
export function noRoles(role: Role): TrackbridgeError {
  const message = `the role ${role} needs a store that processes share; set outbox.type to postgres, or leave the role out`;
  return new TrackbridgeError('CONFIG_INVALID', message, {
    errors: [{ path: '/outbox/type', message }],
  });
}

/** Workers need a process of the program's own. */
export function noWorkers(workers: number): TrackbridgeError {
  const message = `server.workers is ${workers}, but a receiver inside another program is one process; set it to 1, or run \`trackbridge serve\``;
  return new TrackbridgeError('CONFIG_INVALID', message, {
    errors: [{ path: '/server/workers', message }],
  });
}
