import type { EventNote, TapedAnswer, TapeStart } from '../../src/inspect/tape.js';

/** What is known of a delivery at its begin. */
export function start(changes: Partial<TapeStart> = {}): TapeStart {
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

export function note(changes: Partial<EventNote> = {}): EventNote {
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

export function answer(changes: Partial<TapedAnswer> = {}): TapedAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"status":"accepted"}',
    ms: 1,
    outcome: 'accepted',
    ...changes,
  };
}
