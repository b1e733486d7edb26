import { loadDriver } from '../../core/driver.js';

/** The major versions that run on every Node version that this program supports. */
const PACKAGES = [
  '@opentelemetry/sdk-trace@2',
  '@opentelemetry/core@2',
  '@opentelemetry/resources@2',
  '@opentelemetry/exporter-trace-otlp-http@0.223',
].join(' ');

/** OpenTelemetry's SDK and its exporter over HTTP. */
export interface TraceSdk {
  readonly api: typeof import('@opentelemetry/api');
  readonly core: typeof import('@opentelemetry/core');
  readonly exporter: typeof import('@opentelemetry/exporter-trace-otlp-http');
  readonly resources: typeof import('@opentelemetry/resources');
  readonly sdk: typeof import('@opentelemetry/sdk-trace');
}

/** Loads OpenTelemetry, which is not loaded unless traces are configured. Throws CONFIG_INVALID if it is missing. */
export async function loadTraceSdk(): Promise<TraceSdk> {
  const load = async (): Promise<TraceSdk> => {
    const [api, core, exporter, resources, sdk] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/core'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
    ]);
    return { api, core, exporter, resources, sdk };
  };
  return await loadDriver(PACKAGES, load, 'telemetry.traces', 'OpenTelemetry');
}
