import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SpansEnded } from '../../../src/core/observe.js';
import { createLog } from '../../../src/telemetry/log.js';
import { createExport, MOST_WAITING } from '../../../src/telemetry/traces/export.js';
import { loadTraceSdk, type TraceSdk } from '../../../src/telemetry/traces/load.js';
import { tracesUrl } from '../../../src/telemetry/traces/start.js';

let sdk: TraceSdk;
beforeAll(async () => {
  sdk = await loadTraceSdk();
});

type Done = Parameters<SpanExporter['export']>[1];

/** An exporter whose answers the test gives, and what was said and counted. */
function exporting() {
  const open: { readonly spans: readonly ReadableSpan[]; readonly done: Done }[] = [];
  const ended: SpansEnded[] = [];
  const said: string[] = [];
  const processor = createExport(sdk, {
    exporter: {
      export: (spans, done) => void open.push({ spans, done }),
      shutdown: async () => undefined,
    },
    endpoint: 'http://collector.example/v1/traces',
    log: createLog('info', { write: (line: string) => void said.push(line) }),
    onEnded: (each) => void ended.push(each),
  });
  const provider = new sdk.sdk.TracerProvider({ spanProcessors: [processor] });
  const tracer = provider.getTracer('test');
  const answer = (error?: Error): void => {
    for (const { done } of open.splice(0)) {
      const { SUCCESS, FAILED } = sdk.core.ExportResultCode;
      done(error === undefined ? { code: SUCCESS } : { code: FAILED, error });
    }
  };
  return {
    open,
    ended,
    answer,
    lines: () => said,
    end: (count: number) => {
      for (let at = 0; at < count; at += 1) tracer.startSpan('span').end();
    },
    /** Sends what waits, and answers as long as something is sent. */
    async flush(error?: Error) {
      const flushed = processor.forceFlush().catch(() => undefined);
      await Promise.resolve();
      answer(error);
      await flushed;
    },
  };
}

describe('the export of spans', () => {
  it('drops and counts spans while too many wait for a collector that does not answer', () => {
    const { end, ended } = exporting();
    end(MOST_WAITING + 3);
    const one = { outcome: 'dropped', spans: 1 };
    expect(ended).toEqual([one, one, one]);
  });

  it('says once that the collector does not accept spans, and once that it does again', async () => {
    const { end, ended, flush, lines } = exporting();
    for (let round = 0; round < 3; round += 1) {
      end(2);
      await flush(new Error('connect ECONNREFUSED'));
    }
    end(1);
    await flush();
    end(1);
    await flush();
    expect(ended.map(({ outcome, spans }) => `${outcome} ${spans}`)).toEqual([
      'failed 2',
      'failed 2',
      'failed 2',
      'exported 1',
      'exported 1',
    ]);
    expect(lines().map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', reason: 'connect ECONNREFUSED' },
      { level: 'info', msg: 'the collector accepts spans again' },
    ]);
  });
});

it.each([
  ['http://127.0.0.1:4318', 'http://127.0.0.1:4318/v1/traces'],
  ['http://127.0.0.1:4318/', 'http://127.0.0.1:4318/v1/traces'],
  ['https://otel.example/otlp', 'https://otel.example/otlp/v1/traces'],
  ['https://otel.example/v1/traces', 'https://otel.example/v1/traces'],
  ['https://otel.example/v1/traces?tenant=1', 'https://otel.example/v1/traces?tenant=1'],
])('the traces of %s go to %s', (endpoint, url) => {
  expect(tracesUrl(endpoint)).toBe(url);
});
