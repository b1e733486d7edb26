import { describe, expect, it } from 'vitest';
import { TrackbridgeError } from '../../../src/core/errors.js';
import { Link } from '../../../src/core/link/link.js';
import type { LoadReading, ObservedDelivery } from '../../../src/core/observe.js';
import { publishRelayed, relayObservations } from '../../../src/service/cluster/relay.js';
import { streamPair } from '../../core/link/pairs.js';
import { observed } from '../../support/observations.js';

const HEAD = {
  at: 1,
  method: 'POST',
  url: '/in?a=1',
  httpVersion: '1.1',
  rawHeaders: ['Host', 'x'],
  remote: '192.0.2.1',
};
const COUNTS = { accepted: 1, duplicates: 0, quarantined: 0, looped: 0 };

function relayed() {
  const [near, far] = streamPair();
  const [worker, primary] = [observed(), observed()];
  const left = new Link(near);
  const relay = relayObservations(left, worker);
  const loads: LoadReading[] = [];
  publishRelayed(new Link(far), primary, (reading) => void loads.push(reading));
  const seen: [string, unknown][] = [];
  for (const name of ['began', 'read', 'verified', 'judged', 'appended', 'answered'] as const) {
    primary[name].subscribe((message: unknown) => void seen.push([name, message]));
  }
  const arrived = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { relay, worker, primary, loads, seen, arrived };
}

/** Publishes everything that happens to a delivery. */
function happen(worker: ReturnType<typeof observed>, delivery: ObservedDelivery): void {
  worker.began.publish({ delivery, ...HEAD });
  worker.read.publish({ delivery, body: Buffer.from('{}') });
  worker.verified.publish({ delivery, verification: { passed: true, verifiedBy: 'none' } });
  const event = { index: 0, authenticated: true, decoded: {}, violations: [] };
  worker.judged.publish({ delivery, event: { ...event, outcome: 'accepted' } });
  const results = [{ outcome: 'accepted', id: '7' }] as const;
  worker.appended.publish({ delivery, results, counts: COUNTS, ms: 2 });
  worker.answered.publish({
    delivery,
    outcome: 'unavailable',
    ms: 3,
    response: { status: 503, headers: { 'retry-after': '1' }, body: '{"status":503}' },
    error: new TrackbridgeError('OUTBOX_FULL', 'full', { retryAfter: 1_000 }),
  });
}

describe('the observations of a worker', () => {
  it('are published by the primary as they happened, if it records deliveries', async () => {
    const { arrived, relay, seen, worker } = relayed();
    const direct: [string, unknown][] = [];
    for (const name of ['began', 'read', 'verified', 'judged', 'appended', 'answered'] as const) {
      worker[name].subscribe((message: unknown) => void direct.push([name, message]));
    }
    relay.record(true);
    happen(worker, { id: 'd1', source: 'in' });
    await arrived();
    expect(seen).toEqual(direct);
    const deliveries = seen.map(([, message]) => (message as { delivery: object }).delivery);
    expect(new Set(deliveries).size).toBe(1);
  });

  it('are only counted otherwise', async () => {
    const { arrived, relay, seen, worker } = relayed();
    relay.record(true);
    relay.record(false);
    expect(worker.read.isObserved).toBe(false);
    happen(worker, { id: 'd1', source: 'in' });
    await arrived();
    const delivery = { id: '', source: 'in' };
    expect(seen).toEqual([
      ['appended', { delivery, results: [], counts: COUNTS, ms: 2 }],
      ['answered', expect.objectContaining({ delivery, outcome: 'unavailable', ms: 3 })],
    ]);
  });

  it('include the load, rejections before the body, and unreadable timestamps', async () => {
    const { arrived, loads, primary, worker } = relayed();
    const seen: unknown[] = [];
    primary.shed.subscribe((message) => void seen.push(message));
    primary.unreadable.subscribe((message) => void seen.push(message));
    const reading = { loopDelay: 1, deliveries: 2, bodyBytes: 3 };
    worker.load.publish(reading);
    worker.shed.publish({ reason: 'bytes' });
    worker.unreadable.publish({ source: 'in', field: 'sentAt' });
    await arrived();
    expect(loads).toEqual([reading]);
    expect(seen).toEqual([{ reason: 'bytes' }, { source: 'in', field: 'sentAt' }]);
  });
});
