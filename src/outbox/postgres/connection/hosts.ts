import { TrackbridgeError } from '../../../core/errors.js';

/** The servers of a URL, as one URL each and without a password in `server`. */
export interface Host {
  readonly url: string;
  /** `host:port`, for messages. */
  readonly server: string;
}

/** `scheme://user:password@`, `hosts`, and the rest from the database on. */
const PARTS = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^/?#@]*)((?:\/[^?#]*)?)(\?[^#]*)?$/s;

/**
 * Splits a URL that may name several hosts, as libpq reads it: `postgresql://user@a:5432,b:5432/database`. Throws
 * CONFIG_INVALID without quoting it, since it holds the password.
 */
export function hostsOf(url: string): readonly Host[] {
  const [, head, hosts, path = '', query = ''] = PARTS.exec(url) ?? [];
  if (head === undefined || hosts === undefined) throw invalid();
  const parameters = new URLSearchParams(query);
  // Each member writes, so no other value makes sense, and the driver does not know the parameter.
  parameters.delete('target_session_attrs');
  const rest = parameters.size === 0 ? path : `${path}?${parameters}`;
  return hosts.split(',').map((host) => {
    const single = `${head}${host}${rest}`;
    let parsed: URL;
    try {
      parsed = new URL(single.replace(/^postgres(ql)?:/, 'http:'));
    } catch (error) {
      if (host !== '') throw invalid(error);
      // Without a host, the driver takes its default or the `host` parameter.
      return { url: single, server: 'the default host' };
    }
    return { url: single, server: `${parsed.hostname}:${portOf(host)}` };
  });
}

function portOf(host: string): string {
  return /:(\d+)$/.exec(host)?.[1] ?? '5432';
}

function invalid(cause?: unknown): TrackbridgeError {
  const problem =
    'outbox.url must be postgresql://user:password@host:port/database, with @ : / ? # % of user and password percent-encoded';
  return new TrackbridgeError('CONFIG_INVALID', problem, { cause });
}
