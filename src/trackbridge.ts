import { configFromObject } from './config/load.js';
import type { ReloadReport } from './config/reload.js';
import { createService, type Service } from './service/service.js';
import { createLog, type Log } from './telemetry/log.js';

/** A receiver for use inside another program: started once, stopped once. */
export interface Trackbridge extends Omit<Service, 'reload'> {
  /**
   * Applies another configuration, as `trackbridge reload` does: requests in progress go on under the earlier one, and
   * sinks that have not changed keep running. Resolves to what has changed, and to the settings that need a restart.
   * Rejects with a TrackbridgeError CONFIG_INVALID, and then nothing has changed.
   */
  reload(configuration: object): Promise<ReloadReport>;
}

export interface TrackbridgeOptions {
  /** What `${NAME}` in the configuration refers to; the process's environment by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log?: Log;
}

/**
 * Creates a receiver for use inside another program.
 *
 * `configuration` is the object that a configuration file would hold. Without a `server` section nothing listens, and
 * the caller mounts `callback()` or `middleware()`. Throws a TrackbridgeError CONFIG_INVALID.
 */
export function createTrackbridge(
  configuration: object = {},
  options: TrackbridgeOptions = {},
): Trackbridge {
  const { config, logLevel, warnings } = configFromObject(
    configuration,
    options.env ?? process.env,
  );
  const log = options.log ?? createLog(logLevel);
  for (const warning of warnings) log.warn({}, warning);
  const service = createService(config, { listen: 'server' in Object(configuration), log });
  return {
    ...service,
    reload: (next) => service.reload(() => configFromObject(next, options.env ?? process.env)),
  };
}
