import { afterEach, beforeEach } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import type { Resolve } from '../../../src/core/outbound/connector.js';
import type { HttpOptions } from '../../../src/sinks/http/request.js';
import { createHttpSink } from '../../../src/sinks/http/sink.js';
import { type Sink, type SinkContext, SinkError } from '../../../src/sinks/sink.js';
import { type HttpTarget, httpTarget } from './target.js';

export const never = (): AbortSignal => new AbortController().signal;

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
export const context = { clock: { ...systemClock, now: () => NOW } };

/** What the schema fills in, but that the loopback is allowed. */
export const defaults = {
  method: 'POST',
  headers: {},
  body: 'event',
  allowPrivateAddresses: true,
  compression: 'none',
  success: [],
  retryOn: [],
  dropOn: [],
} as const;

export interface HttpSetup {
  readonly target: HttpTarget;
  /** An opened sink on the target, closed after the test. */
  open(
    options?: Partial<HttpOptions>,
    changed?: Partial<SinkContext>,
    resolve?: Resolve,
  ): Promise<Sink>;
}

/** Gives each test of a file a server of its own. */
export function setupHttp(): HttpSetup {
  let target: HttpTarget | undefined;
  let sinks: Sink[] = [];
  beforeEach(async () => {
    target = await httpTarget();
  });
  afterEach(async () => {
    await Promise.all(sinks.map((sink) => sink.close()));
    sinks = [];
    await target?.close();
  });
  const setup: HttpSetup = {
    get target() {
      if (!target) throw new Error('only inside a test');
      return target;
    },
    async open(options = {}, changed = {}, resolve) {
      const url = `http://127.0.0.1:${setup.target.port}/hook?a=1`;
      const all = { ...defaults, url, ...options };
      const sink = createHttpSink(all, { ...context, ...changed }, resolve);
      sinks.push(sink);
      await sink.open();
      return sink;
    },
  };
  return setup;
}

/** The SinkError that a delivery ends with. */
export async function failed(delivery: Promise<unknown>): Promise<SinkError> {
  const error = await delivery.catch((thrown: unknown) => thrown);
  if (!(error instanceof SinkError)) throw new Error('no SinkError was thrown');
  return error;
}
