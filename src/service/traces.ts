import type { Config } from '../config/config.js';
import type { Traces, TracesDeps } from '../telemetry/traces/start.js';

export type { Traces };

/** Starts traces if they are configured. Nothing of OpenTelemetry is loaded otherwise. Throws CONFIG_INVALID. */
export async function openTraces(
  { telemetry }: Config,
  {
    sources,
    ...deps
  }: Omit<TracesDeps, 'routeOf'> & {
    /** Returns the current sources, which a reload replaces. */
    readonly sources: () => Config['sources'];
  },
): Promise<Traces | undefined> {
  if (telemetry?.traces === undefined) return undefined;
  const { startTraces } = await import('../telemetry/traces/start.js');
  const routeOf = (source: string): string => sources()[source]?.path ?? '';
  return await startTraces(telemetry.traces, { ...deps, routeOf });
}
