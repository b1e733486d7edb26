import { TrackbridgeError } from '../../core/errors.js';

/**
 * Throws CONFIG_INVALID for a URL with an `@` after its authority. Its user or password was not percent-encoded, so
 * part of it would be read as the host, which errors show.
 */
export function refuseStrayCredentials(url: string): void {
  if (!/^[^:]*:\/\/[^/?#]*[/?#].*@/s.test(url)) return;
  const problem =
    'url: percent-encode @ : / ? # % of user and password, as %40 %3A %2F %3F %23 %25';
  throw new TrackbridgeError('CONFIG_INVALID', problem);
}
