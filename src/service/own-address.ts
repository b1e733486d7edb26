import type { OpenAdminDeps } from '../admin/open.js';
import type { ServerConfig } from '../config/config.js';
import type { TlsFiles } from '../http/tls/files.js';

/** Returns where this process reaches its own listener; undefined if it does not listen. */
export function ownAddress(
  { host, socket }: Pick<ServerConfig, 'host' | 'socket'>,
  port: number | undefined,
  tls: TlsFiles | undefined,
): ReturnType<OpenAdminDeps['receiver']> {
  if (socket !== undefined) return { url: 'http://localhost', socket };
  if (port === undefined) return undefined;
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  const authority = `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
  if (tls === undefined) return { url: `http://${authority}` };
  return { url: `https://${authority}`, certificate: tls.cert };
}
