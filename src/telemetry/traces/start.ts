import type { TracesConfig } from '../../config/config.js';
import { type Clock, withinTime } from '../../core/clock.js';
import type { Observations } from '../../core/observe.js';
import { programVersion } from '../../core/version.js';
import type { Log } from '../log.js';
import { traceAttempts } from './attempts.js';
import { createContexts } from './contexts.js';
import { traceDeliveries } from './deliveries.js';
import { createExport } from './export.js';
import { loadTraceSdk } from './load.js';
import { createSampler } from './sampler.js';

export interface TracesDeps {
  readonly observations: Observations;
  readonly clock: Clock;
  readonly log: Log;
  /** Returns the path of a source, as the configuration writes it. */
  readonly routeOf: (source: string) => string;
  /** What this process traces. With several workers, they trace deliveries, and the primary process traces attempts. */
  readonly deliveries: boolean;
  readonly attempts: boolean;
}

export interface Traces {
  /** Exports what has ended, within `ms` milliseconds, and ends. Never rejects. */
  stop(ms: number): Promise<void>;
}

/** The path of traces below the base URL of a collector. */
const TRACES_PATH = '/v1/traces';

/** Milliseconds for one batch, with the exporter's own retries. */
const EXPORT_WITHIN = 5_000;

/**
 * Subscribes to what a receiver observes and exports it as spans. Throws CONFIG_INVALID if OpenTelemetry is not
 * installed. Attributes of `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` are added by the SDK.
 */
export async function startTraces(
  { endpoint, headers, sample }: TracesConfig,
  { attempts, clock, deliveries, log, observations, routeOf }: TracesDeps,
): Promise<Traces> {
  const loaded = await loadTraceSdk();
  const { api, exporter, resources, sdk } = loaded;
  const url = tracesUrl(endpoint);
  const { origin, pathname } = new URL(url);
  const version = programVersion();
  const provider = new sdk.TracerProvider({
    resource: resources
      .resourceFromAttributes({ 'service.name': 'trackbridge', 'service.version': version })
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    sampler: createSampler(loaded, sample),
    spanProcessors: [
      createExport(loaded, {
        exporter: new exporter.OTLPTraceExporter({
          url,
          headers: { ...headers },
          timeoutMillis: EXPORT_WITHIN,
        }),
        endpoint: origin + pathname,
        log,
        onEnded: (ended) => observations.spans.publish(ended),
      }),
    ],
  });
  const tracer = provider.getTracer('trackbridge', version);
  const contexts = createContexts(loaded);
  if (deliveries) traceDeliveries(observations, { api, tracer, contexts, clock, routeOf });
  if (attempts) traceAttempts(observations, { api, tracer, contexts });
  return {
    async stop(ms) {
      const ended = provider.shutdown().catch(() => undefined);
      await withinTime(ended, ms, clock, () => undefined);
    },
  };
}

/** Returns the URL of traces. As OpenTelemetry's libraries do, it adds the path to the base URL of a collector. */
export function tracesUrl(endpoint: string): string {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/$/, '');
  url.pathname = path.endsWith(TRACES_PATH) ? path : path + TRACES_PATH;
  return url.href;
}
