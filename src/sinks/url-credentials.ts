import { TrackbridgeError } from '../errors.js';

/**
 * Throws CONFIG_INVALID for a URL with an `@` behind its authority. A user or password was not percent-encoded then, and
 * part of it would be taken for the host, which errors name.
 */
export function refuseStrayCredentials(url: string): void {
  if (!/^[^:]*:\/\/[^/?#]*[/?#].*@/s.test(url)) return;
  const problem =
    'url: percent-encode @ : / ? # % of user and password, as %40 %3A %2F %3F %23 %25';
  throw new TrackbridgeError('CONFIG_INVALID', problem);
}
