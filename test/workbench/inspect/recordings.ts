import type {
  AppendResult,
  JudgedEvent,
  Observations,
  ObservedDelivery,
} from '../../../src/core/observe.js';
import type { RecordedAnswer, RecordingStart } from '../../../src/workbench/inspect/recording.js';

/** What is known of a delivery at its begin. */
export function start(changes: Partial<RecordingStart> = {}): RecordingStart {
  return {
    id: '01a1fcb7-0000-7000-8000-000000000001',
    at: 1_790_000_000_000,
    source: 'segment',
    method: 'POST',
    url: '/segment',
    httpVersion: '1.1',
    rawHeaders: ['Host', 'receiver', 'Content-Type', 'application/json'],
    remote: '10.0.0.1',
    ...changes,
  };
}

export function judged(changes: Partial<JudgedEvent> = {}): JudgedEvent {
  const event = { type: 'track', messageId: 'm', userId: 'u' };
  return {
    index: 0,
    outcome: 'accepted',
    authenticated: true,
    decoded: event,
    canonical: JSON.stringify(event),
    messageId: 'm',
    violations: [],
    ...changes,
  };
}

export function answer(changes: Partial<RecordedAnswer> = {}): RecordedAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"status":"accepted"}',
    ms: 1,
    outcome: 'accepted',
    ...changes,
  };
}

/** One delivery that publishes its steps, as a receiver does. */
export function observedDelivery(
  observations: Observations,
  changes: Partial<RecordingStart> = {},
): {
  read(body: Buffer): void;
  verified(): void;
  judged(changes?: Partial<JudgedEvent>): void;
  appended(results: readonly AppendResult[]): void;
  answered(changes?: { status?: number; outcome?: 'accepted' | 'unauthenticated' }): void;
} {
  const { id, source, ...head } = start(changes);
  const delivery: ObservedDelivery = { id, source };
  observations.began.publish({ delivery, ...head });
  return {
    read: (body) => observations.read.publish({ delivery, body }),
    verified: () => {
      const verification = { passed: true, verifiedBy: 'segment-signature' } as const;
      observations.verified.publish({ delivery, verification });
    },
    judged: (event) => observations.judged.publish({ delivery, event: judged(event) }),
    appended: (results) => {
      const accepted = results.filter(({ outcome }) => outcome === 'accepted').length;
      const duplicates = results.length - accepted;
      const counts = { accepted, duplicates, quarantined: 0, looped: 0 };
      observations.appended.publish({ delivery, results, counts, ms: 1 });
    },
    answered: ({ status = 200, outcome = 'accepted' } = {}) => {
      const { body, headers, ms } = answer();
      const response = { status, headers, body };
      observations.answered.publish({ delivery, outcome, ms, response, error: undefined });
    },
  };
}
