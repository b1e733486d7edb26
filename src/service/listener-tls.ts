import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.js';
import { readTlsFiles } from '../http/tls/files.js';
import type { ListenerTls } from './listeners.js';

/** Reads the certificates of the listeners. Throws CONFIG_INVALID, which names the option and the file. */
export function readListenerTls({ admin, server }: Pick<Config, 'admin' | 'server'>): ListenerTls {
  return {
    ...(server.tls === undefined ? {} : { server: readTlsFiles('server', server.tls) }),
    ...(admin?.tls === undefined ? {} : { admin: readTlsFiles('admin', admin.tls) }),
  };
}

/** Returns the options whose files have another content, such as `server.tls`. */
export function changedTls(before: ListenerTls, after: ListenerTls): readonly string[] {
  return (['server', 'admin'] as const)
    .filter((section) => !isDeepStrictEqual(before[section], after[section]))
    .map((section) => `${section}.tls`);
}
