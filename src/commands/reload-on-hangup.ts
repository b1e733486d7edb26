import type { LoadedConfig } from '../config/load.js';
import { configInvalid } from '../core/errors.js';
import type { Service } from '../service/service.js';
import type { Log } from '../telemetry/log.js';

/** Reloads the configuration on SIGHUP. `reread` is absent if there is no file to read again. */
export function reloadOnHangup(
  service: Pick<Service, 'reload'>,
  reread: (() => LoadedConfig) | undefined,
  log: Pick<Log, 'warn'>,
): void {
  process.on('SIGHUP', () => {
    if (reread === undefined) {
      log.warn(
        { signal: 'SIGHUP' },
        'nothing to reload: the receiver was started without a configuration file; start it with --config FILE',
      );
      return;
    }
    // The receiver logs why it rejects a configuration.
    service.reload(reread).catch(() => undefined);
  });
}

/**
 * Returns a configuration that was read again. Throws CONFIG_INVALID if the default sources have no stored secret any
 * more: a silently generated one would turn every delivery into a 401, which both vendors drop.
 */
export function withKnownSecrets(loaded: LoadedConfig): LoadedConfig {
  const missing = loaded.secrets.filter(({ origin }) => origin === 'generated');
  if (missing.length === 0) return loaded;
  throw configInvalid(
    `the stored secret of ${missing.map(({ name }) => name).join(' and ')} is missing; restore data/secrets.json, or configure the sources`,
  );
}
