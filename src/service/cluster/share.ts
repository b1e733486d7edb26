import type { ServerConfig } from '../../config/config.js';

/** Returns the limits of one worker. The limits of the configuration hold for all workers together. */
export function shareOf(server: ServerConfig): ServerConfig {
  const share = (limit: number): number => Math.ceil(limit / server.workers);
  return {
    ...server,
    maxConcurrent: share(server.maxConcurrent),
    maxBodyBytes: share(server.maxBodyBytes),
    maxConnections: share(server.maxConnections),
  };
}
