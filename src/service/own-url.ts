import type { ServerConfig } from '../config/config.js';

/** Returns the URL at which this machine reaches a listener. */
export function ownUrl({ host, tls }: Pick<ServerConfig, 'host' | 'tls'>, port: number): string {
  const scheme = tls === undefined ? 'http' : 'https';
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
