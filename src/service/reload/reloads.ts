import type { LoadedConfig } from '../../config/load.js';
import { describeReload, type ReloadReport } from '../../config/reload.js';
import type { Clock } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import type { Log } from '../../telemetry/log.js';
import type { Metrics } from '../../telemetry/metrics.js';

/** Returns another configuration. Throws CONFIG_INVALID. */
export type ReadConfig = () => Pick<LoadedConfig, 'config' | 'warnings'>;

export interface ReloadsDeps {
  /** Applies what `read` returns, or rejects and has changed nothing. */
  readonly apply: (read: ReadConfig) => Promise<ReloadReport>;
  /** The start of the receiver; undefined if it was not started. */
  readonly started: () => Promise<void> | undefined;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly metrics: Pick<Metrics, 'configured' | 'reloaded'>;
}

/** Reloads the configuration, one reload after the other, and reports each in the log and the metrics. */
export class Reloads {
  readonly #deps: ReloadsDeps;
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: ReloadsDeps) {
    this.#deps = deps;
  }

  /** Rejects if the reload does. */
  reload(read: ReadConfig): Promise<ReloadReport> {
    const reloaded = this.#last.then(() => this.#reload(read));
    this.#last = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(read: ReadConfig): Promise<ReloadReport> {
    const { apply, clock, log, metrics, started } = this.#deps;
    await started();
    try {
      const report = await apply(read);
      const { warnings, ...changes } = report;
      for (const warning of warnings) log.warn({}, warning);
      if (report.restart.length > 0) log.warn(changes, describeReload(report));
      else log.info(changes, describeReload(report));
      metrics.reloaded('applied');
      metrics.configured(clock.now());
      return report;
    } catch (error) {
      metrics.reloaded('rejected');
      const text = `the reload was rejected, and the current configuration stays in effect: ${messageOf(error)}`;
      if (!(error instanceof TrackbridgeError)) log.error({ err: error }, text);
      else {
        const { code, errors = [] } = error;
        log.error({ code, errors: errors.map(({ message }) => message) }, text);
      }
      throw error;
    }
  }
}
