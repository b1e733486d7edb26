import { configFromObject } from './config/load.js';
import { createService, type Service } from './service/service.js';
import { createLog, type Log } from './telemetry/log.js';

/** A receiver for use inside another program: started once, stopped once. */
export type Trackbridge = Service;

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
  return createService(config, { listen: 'server' in Object(configuration), log });
}
