import type { SinkConfig } from '../../src/config/config.js';
import type { JsonObject } from '../../src/core/json.js';
import type { CanonicalEvent } from '../../src/event/event.js';
import { DELIVERED, type DeliveryResult, type Sink, type SinkEvent } from '../../src/sinks/sink.js';

/** A canonical track event; `over` replaces fields of it. */
export function anEvent(messageId: string, over: JsonObject = {}): CanonicalEvent {
  return {
    type: 'track',
    messageId,
    event: 'Order Completed',
    userId: 'u1',
    properties: {},
    context: {},
    integrations: {},
    timestamp: '2024-01-02T03:04:05.678Z',
    receivedAt: '2024-01-02T03:04:06.000Z',
    receipt: {
      deliveryId: '018d0000-0000-7000-8000-000000000000',
      source: 'segment',
      vendor: 'segment',
      method: 'POST',
      receivedAt: '2024-01-02T03:04:06.000Z',
      authenticated: true,
      verifiedBy: 'segment-signature',
      dedupeKey: `segment:${messageId}`,
    },
    ...over,
  };
}

export function aConfig(over: Partial<SinkConfig> = {}): SinkConfig {
  return {
    type: 'fake',
    where: {},
    batch: { size: 10, wait: 0 },
    lanes: 1,
    retry: { initial: 1_000, max: 300_000, giveUpAfter: 86_400_000 },
    timeout: 5_000,
    format: 'canonical',
    full: 'refuse',
    options: {},
    ...over,
  };
}

export type Deliver = (
  batch: readonly SinkEvent[],
  signal: AbortSignal,
) => Promise<readonly DeliveryResult[]>;

/** A sink whose attempts a test scripts; it remembers the ids of every batch it was given. */
export class FakeSink implements Sink {
  readonly batches: string[][] = [];
  readonly sent: SinkEvent[] = [];
  opened = 0;
  closed = 0;
  openFailures: Error[] = [];
  deliverWith: Deliver;

  constructor(deliver: Deliver = async (batch) => batch.map(() => DELIVERED)) {
    this.deliverWith = deliver;
  }

  async open(): Promise<void> {
    const failure = this.openFailures.shift();
    if (failure !== undefined) throw failure;
    this.opened++;
  }

  deliver(batch: readonly SinkEvent[], signal: AbortSignal): Promise<readonly DeliveryResult[]> {
    this.batches.push(batch.map(({ messageId }) => messageId));
    this.sent.push(...batch);
    return this.deliverWith(batch, signal);
  }

  async check(): Promise<void> {}

  async close(): Promise<void> {
    this.closed++;
  }
}

/** Never settles, whatever its signal says. */
export const hang: Deliver = () => new Promise(() => undefined);

export const rejected: DeliveryResult = {
  ok: false,
  retryable: false,
  message: '400 from the sink',
};
export const unavailable: DeliveryResult = {
  ok: false,
  retryable: true,
  message: '500 from the sink',
};
