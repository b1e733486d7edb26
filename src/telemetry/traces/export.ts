import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { SpansEnded } from '../../core/observe.js';
import type { Log } from '../log.js';
import type { TraceSdk } from './load.js';

/**
 * The most spans that wait for the collector or are under way to it. More are dropped, so that a collector that is slow
 * or gone costs a few megabytes and delays nothing.
 */
export const MOST_WAITING = 8_192;

/** Spans in a request, and milliseconds until a smaller request is sent. */
const BATCH = 512;
const DELAY = 1_000;

/** Milliseconds after which the SDK sends the next batch, even if the exporter has not answered. */
const ABANDONED_AFTER = 15_000;

export interface ExportOptions {
  readonly exporter: SpanExporter;
  /** For the log, without credentials. */
  readonly endpoint: string;
  readonly log: Log;
  readonly onEnded: (ended: SpansEnded) => void;
}

/**
 * Returns a processor that exports spans in batches. It never waits and never throws. One log line says that the
 * collector does not accept spans, and one that it accepts them again.
 */
export function createExport(
  { core, sdk }: Pick<TraceSdk, 'core' | 'sdk'>,
  { endpoint, exporter, log, onEnded }: ExportOptions,
): SpanProcessor {
  let waiting = 0;
  let isFailing = false;

  const report = (spans: number, error: Error | undefined): void => {
    waiting -= spans;
    onEnded({ outcome: error === undefined ? 'exported' : 'failed', spans });
    const fails = error !== undefined;
    if (fails === isFailing) return;
    isFailing = fails;
    if (fails) {
      const reason = reasonOf(error);
      log.warn(
        { endpoint, reason },
        'the collector does not accept spans; they are lost until it does, and events are unaffected',
      );
    } else log.info({ endpoint }, 'the collector accepts spans again');
  };

  const counting: SpanExporter = {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const isOk = result.code === core.ExportResultCode.SUCCESS;
        report(spans.length, isOk ? undefined : (result.error ?? new Error('export failed')));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const batches = new sdk.BatchSpanProcessor({
    exporter: counting,
    maxExportBatchSize: BATCH,
    maxQueueSize: MOST_WAITING,
    scheduledDelayMillis: DELAY,
    exportTimeoutMillis: ABANDONED_AFTER,
  });

  return {
    onStart: () => undefined,
    onEnd(span: ReadableSpan) {
      if ((span.spanContext().traceFlags & 1) === 0) return;
      if (waiting >= MOST_WAITING) {
        onEnded({ outcome: 'dropped', spans: 1 });
        return;
      }
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

/** The error of several failed connections has no message of its own. */
function reasonOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return error.message === '' ? String(code ?? error.name) : error.message;
}
