import type { JsonValue } from '../../core/json.js';
import type { TelemetryConfig } from '../config.js';
import { type Context, mappingAt } from '../context.js';
import { applySchema } from '../schema/apply.js';

/** Reads the `telemetry` section; undefined if it is omitted. */
export function readTelemetry(
  value: JsonValue | undefined,
  context: Context,
): TelemetryConfig | undefined {
  if (value === undefined) return undefined;
  const telemetry = mappingAt(value, '/telemetry', context);
  const part = context.schemas.part('telemetry');
  if (!telemetry || !applySchema(part, telemetry, '/telemetry', context)) return undefined;
  return telemetry;
}
