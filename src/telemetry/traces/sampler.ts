import type { Sampler } from '@opentelemetry/sdk-trace';
import type { TraceSdk } from './load.js';

/**
 * Returns the sampler: a span follows its parent, an attempt at the events of several deliveries is sampled if one of them
 * is, and of everything else the share `ratio` is sampled, by trace ID.
 */
export function createSampler({ api, sdk }: Pick<TraceSdk, 'api' | 'sdk'>, ratio: number): Sampler {
  const { TraceFlags } = api;
  const { ParentBasedSampler, SamplingDecision, TraceIdRatioBasedSampler } = sdk;
  const share = new TraceIdRatioBasedSampler(ratio);
  const root: Sampler = {
    shouldSample(context, traceId, ...[, , , links]) {
      if (links.length === 0) return share.shouldSample(context, traceId);
      const isSampled = links.some(
        (link) => (link.context.traceFlags & TraceFlags.SAMPLED) === TraceFlags.SAMPLED,
      );
      return {
        decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD,
      };
    },
    toString: () => `links or ${share.toString()}`,
  };
  return new ParentBasedSampler({ root });
}
