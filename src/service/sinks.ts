import type { SinkConfig } from '../config/config.js';
import { messageOf, TrackbridgeError } from '../core/errors.js';
import type { SinkSpec } from '../dispatch/sink-runner.js';
import { loadTransform } from '../dispatch/transform/load.js';
import { sinkTypes } from '../sinks/registry.js';
import type { BatchFill, Sink, SinkContext } from '../sinks/sink.js';
import type { Log } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** What a sink shares with the rest of the receiver. */
export interface SinkDeps extends Pick<SinkContext, 'clock' | 'bridgeId' | 'sources'> {
  readonly log: Log;
  /** Absent if no metrics are collected. */
  readonly metrics?: Pick<Metrics, 'unmappedIntegrations' | 'unplacedValues'>;
}

/** Builds one configured sink and what the dispatcher needs for it. Throws CONFIG_INVALID. */
export async function createSink(
  name: string,
  config: SinkConfig,
  { clock, log, bridgeId, metrics, sources }: SinkDeps,
): Promise<SinkSpec> {
  const type = await loadType(name, config.type);
  const context: SinkContext = {
    name,
    clock,
    bridgeId,
    ...(sources && { sources }),
    log: log.child({ sink: name }),
    format: config.format,
    ...(metrics && {
      metrics: {
        unmappedIntegrations: (names: number) => metrics.unmappedIntegrations(name, names),
        unplacedValues: (values: number) => metrics.unplacedValues(name, values),
      },
    }),
  };
  const sink = await build(type, config, context);
  const size = Math.min(config.batch.size, type.maxBatch?.(config.options) ?? config.batch.size);
  const sized = { ...config, batch: { ...config.batch, ...type.fill?.(config.options), size } };
  if (config.transform === undefined) return { name, config: sized, sink };
  try {
    const { timeout } = config;
    const transform = await loadTransform(config.transform, { sink: name, timeout, clock, log });
    return { name, config: sized, sink, transform };
  } catch (error) {
    await sink.close();
    throw error;
  }
}

/** Builds all sinks of a configuration. Throws CONFIG_INVALID, and then closes those already built. */
export async function createSinks(
  configs: Readonly<Record<string, SinkConfig>>,
  deps: SinkDeps,
): Promise<readonly SinkSpec[]> {
  const created = await Promise.allSettled(
    Object.entries(configs).map(([name, config]) => createSink(name, config, deps)),
  );
  const specs = created.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = created.find((each) => each.status === 'rejected');
  if (failed === undefined) return specs;
  await Promise.all(specs.map(closeSink));
  throw failed.reason;
}

/** Closes a sink that no dispatcher owns. */
export async function closeSink({ sink, transform }: SinkSpec): Promise<void> {
  await Promise.all([sink.close(), transform?.close()]);
}

/** A sink type whose schema has accepted the options. */
interface LoadedType {
  create(options: unknown, context: SinkContext): Sink | Promise<Sink>;
  maxBatch?(options: unknown): number;
  fill?(options: unknown): BatchFill;
}

async function loadType(name: string, type: string): Promise<LoadedType> {
  const load = Object.entries(sinkTypes).find(([known]) => known === type)?.[1];
  if (load !== undefined) return await load();
  throw new TrackbridgeError('CONFIG_INVALID', `sinks.${name}.type ${type} is unknown`);
}

async function build(type: LoadedType, config: SinkConfig, context: SinkContext): Promise<Sink> {
  try {
    return await type.create(config.options, context);
  } catch (error) {
    const problem = `sinks.${context.name}: ${messageOf(error)}`;
    throw new TrackbridgeError('CONFIG_INVALID', problem, { cause: error });
  }
}
