import { createHmac } from 'node:crypto';
import type {
  AttemptRecord,
  DeliveryRecord,
  DeliverySummary,
  EventRecord,
  LiveEvents,
} from '../../../src/workbench/inspect/record.js';

/** An entry of quarantine or dead letters; `name` is its source or sink. */
export interface StoredEntry {
  readonly id: string;
  readonly name: string;
  readonly summary: object;
  readonly detail: object;
}

/** What became of a made-up delivery. */
type SampleOutcome =
  | 'accepted'
  | 'duplicate'
  | 'unauthenticated'
  | 'invalid'
  | 'quarantined'
  | 'undecodable'
  | 'unavailable';

/** What a delivery is to be like; the rest is made up around it. */
export interface Wanted {
  readonly id: string;
  /** Milliseconds before now. */
  readonly ago?: number;
  readonly source?: string;
  readonly method?: string;
  readonly path?: string;
  readonly events?: readonly object[];
  /** Instead of the events as JSON. */
  readonly body?: string | Buffer;
  readonly outcome?: SampleOutcome;
  readonly sinks?: DeliverySummary['sinks'];
  readonly attempts?: readonly AttemptRecord[];
  readonly ms?: number;
}

const STATUS: Readonly<Record<SampleOutcome, number>> = {
  accepted: 200,
  duplicate: 200,
  quarantined: 200,
  unauthenticated: 401,
  invalid: 422,
  undecodable: 400,
  unavailable: 503,
};

const REASONS: Readonly<
  Partial<Record<SampleOutcome, { readonly code: string; readonly detail: string }>>
> = {
  unauthenticated: {
    code: 'UNAUTHENTICATED',
    detail: 'the delivery is not authenticated: x-signature does not match the body',
  },
  invalid: { code: 'EVENT_INVALID', detail: 'the event is not valid; it is in quarantine' },
  undecodable: { code: 'BODY_MALFORMED', detail: 'the body is not valid JSON at byte 14' },
  unavailable: {
    code: 'OUTBOX_UNAVAILABLE',
    detail: 'the outbox does not answer; check its disk',
  },
};

const VIOLATIONS = [
  { path: '/event', message: 'is missing' },
  { path: '/properties', message: 'must be an object' },
];

/** A whole record of a delivery, as the receiver would have made it. */
export function recordOf(wanted: Wanted): DeliveryRecord {
  const { id, source = 'segment', outcome = 'accepted' } = wanted;
  const at = new Date(Date.now() - (wanted.ago ?? 0)).toISOString();
  const events = wanted.events ?? [trackEvent()];
  const body = Buffer.from(wanted.body ?? JSON.stringify(events.length > 1 ? events : events[0]));
  const accepted = outcome === 'accepted' ? events.length : 0;
  const isOpened = outcome !== 'unauthenticated' && outcome !== 'undecodable';
  const isTaken = STATUS[outcome] === 200;
  return {
    id,
    at,
    source,
    method: wanted.method ?? 'POST',
    path: wanted.path ?? `/${source}`,
    remote: '52.25.130.38',
    status: STATUS[outcome],
    outcome: isTaken ? 'accepted' : outcome,
    ...REASONS[outcome],
    ms: wanted.ms ?? 3.4,
    bytes: body.length,
    ...verificationOf(outcome, source),
    count: events.length,
    accepted,
    duplicates: outcome === 'duplicate' ? events.length : 0,
    quarantined: outcome === 'quarantined' || outcome === 'invalid' ? events.length : 0,
    looped: 0,
    ...(isOpened ? { first: firstOf(events[0]) } : {}),
    sinks: wanted.sinks ?? sinksOf(accepted),
    request: {
      httpVersion: '1.1',
      headers: headersOf(source, body),
      body: body.toString('base64'),
      bodyBytes: body.length,
      bodyTruncated: false,
      bodyRedacted: false,
    },
    ...(outcome !== 'unauthenticated' && source === 'segment' ? signedOf(events, body) : {}),
    answer: answerOf(id, outcome, accepted),
    events: isOpened ? events.map((event, index) => eventRecord(event, index, id, outcome)) : [],
    attempts: wanted.attempts ?? attemptsOf(at, events, accepted),
    attemptsDropped: 0,
  };
}

function verificationOf(outcome: SampleOutcome, source: string): Pick<DeliverySummary, 'verified'> {
  if (outcome === 'unavailable') return { verified: null };
  if (outcome === 'unauthenticated') {
    return { verified: false, ...{ reason: 'x-signature does not match the body' } };
  }
  const verifiedBy = source === 'segment' ? 'segment-signature' : 'shared-secret';
  return { verified: true, ...{ verifiedBy } };
}

function signedOf(events: readonly object[], body: Buffer): Pick<DeliveryRecord, 'signed'> {
  if (events.length === 1) {
    return { signed: { part: 'body', from: 0, to: body.length, secret: 1 } };
  }
  const to = 1 + Buffer.byteLength(JSON.stringify(events[0]));
  return { signed: { part: 'first-element', from: 1, to, secret: 1 } };
}

function answerOf(id: string, outcome: SampleOutcome, accepted: number): DeliveryRecord['answer'] {
  const status = STATUS[outcome];
  const isTaken = status === 200;
  const reason = REASONS[outcome];
  return {
    status,
    headers: [
      ['content-type', isTaken ? 'application/json' : 'application/problem+json'],
      ['x-request-id', id],
    ],
    body: isTaken
      ? `{"status":"accepted","accepted":${accepted},"duplicates":0,"quarantined":0}`
      : JSON.stringify({ title: reason?.code, status, detail: reason?.detail }),
  };
}

function firstOf(given: object | undefined): NonNullable<DeliverySummary['first']> {
  const { type, event, userId: user, messageId } = Object(given) as Record<string, unknown>;
  const members = Object.entries({ type, event, user, messageId });
  return Object.fromEntries(members.filter(([, value]) => typeof value === 'string'));
}

function sinksOf(accepted: number): DeliverySummary['sinks'] {
  if (accepted === 0) return [];
  return ['archive', 'orders', 'terminal'].map((sink) => ({
    sink,
    delivered: accepted,
    failed: 0,
    pending: 0,
    skipped: 0,
    dead: 0,
  }));
}

function attemptsOf(at: string, events: readonly object[], accepted: number): AttemptRecord[] {
  if (accepted === 0) return [];
  const eventIds = events.map((_, index) => String(index + 1));
  return ['archive', 'orders', 'terminal'].map((sink, index) => ({
    at: new Date(Date.parse(at) + 4 + index).toISOString(),
    sink,
    eventIds,
    ms: 0.6 + index * 17,
    outcome: 'delivered',
  }));
}

function headersOf(source: string, body: Buffer): [string, string][] {
  const isSegment = source === 'segment';
  const signature = createHmac('sha1', 'correct-horse-battery').update(body).digest('hex');
  return [
    ['Host', 'hooks.example.com'],
    ['Content-Type', 'application/json'],
    ['User-Agent', isSegment ? 'Segment.io/1.0' : 'Apache-HttpClient/4.5.13 (Java/11.0.22)'],
    ['X-Signature', isSegment ? signature : '[masked]'],
    ['Content-Length', String(body.length)],
  ];
}

function eventRecord(
  given: object,
  index: number,
  id: string,
  outcome: SampleOutcome,
): EventRecord {
  const decoded = JSON.parse(JSON.stringify(given));
  const isValid = outcome === 'accepted' || outcome === 'duplicate';
  const { writeKey: _, ...rest } = decoded;
  const canonical = {
    ...rest,
    integrations: decoded.integrations ?? {},
    timestamp: '2026-11-21T06:00:00.000Z',
    receipt: { deliveryId: id, source: 'segment', vendor: 'segment', authenticated: index === 0 },
  };
  return {
    index,
    outcome: isValid ? outcome : 'quarantined',
    ...(outcome === 'accepted' ? { eventId: String(index + 1) } : {}),
    ...(decoded.messageId === undefined ? {} : { messageId: decoded.messageId }),
    authenticated: index === 0,
    decoded,
    ...(isValid ? { canonical } : {}),
    violations: isValid ? [] : VIOLATIONS,
  };
}

export function trackEvent(more: object = {}): object {
  return {
    type: 'track',
    event: 'Order Completed',
    userId: 'u-2041',
    anonymousId: '9f1e0c62-51b7-4b8e-9a53-0f2f6f0f2c11',
    messageId: 'ajs-next-1763704922081-6f0f2c11',
    timestamp: '2026-11-21T06:00:00Z',
    writeKey: 'abc123',
    properties: {
      order_id: 'o-99172',
      revenue: 39.95,
      currency: 'EUR',
      coupon: null,
      is_first: true,
      products: [
        { sku: 'G-32', name: 'Monopoly', price: 18.99, quantity: 1 },
        { sku: 'F-17', name: 'Uno', price: 20.96, quantity: 1 },
      ],
    },
    context: {
      ip: '203.0.113.7',
      library: { name: 'analytics.js', version: 'next-1.84.3' },
      locale: 'de-DE',
    },
    ...more,
  };
}

/** The list's line of a record. */
export function summaryOf(record: DeliveryRecord): DeliverySummary {
  const { request, signed, answer, events, attempts, attemptsDropped, ...summary } = record;
  return summary;
}

/** Entries of quarantine, oldest first, with ids from 1 on. */
export function quarantined(count: number): StoredEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const source = index % 2 === 0 ? 'segment' : 'rudderstack';
    const summary = {
      id: String(index + 1),
      source,
      deliveryId: `d-${index + 1}`,
      receivedAt: new Date(1_763_704_922_000 + index * 1000).toISOString(),
      reason: 'invalid',
      errors: VIOLATIONS,
    };
    const detail = { ...summary, event: trackEvent({ event: undefined }), delivery: {} };
    return { id: summary.id, name: source, summary, detail };
  });
}

/** Dead letters, oldest first, with ids from 1 on. */
export function deadLetters(count: number): StoredEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const sink = index % 2 === 0 ? 'orders' : 'archive';
    const at = new Date(1_763_704_922_000 + index * 1000).toISOString();
    const error = 'POST https://example.com/hook answered 400';
    const id = String(index + 1);
    const summary = { id, sink, at, messageId: `m-${id}`, type: 'track', attemptCount: 1, error };
    return {
      id,
      name: sink,
      summary,
      detail: { ...summary, event: trackEvent(), attempts: [{ at, error }] },
    };
  });
}

/** One second's statistics, with a sink that is down. */
export function statsAt(at: number): LiveEvents['stats'] {
  const sink = {
    pending: 0,
    oldestAgeMs: 0,
    delivered: 9,
    filtered: 3,
    deadLetters: 0,
    state: 'running',
    circuit: 'closed',
  };
  return {
    at: new Date(at).toISOString(),
    received: 12,
    accepted: 10,
    refused: 2,
    p50: 2.5,
    p99: 31,
    sinks: [
      { ...sink, name: 'archive' },
      {
        ...sink,
        name: 'orders',
        pending: 41,
        oldestAgeMs: 90_000,
        state: 'backing-off',
        circuit: 'open',
      },
    ],
  };
}
