import { MASKED } from '../mask.js';
import type { AttemptRecord, DeliveryRecord } from '../record.js';
import { Recording } from '../recording.js';
import { REDACTED } from '../redact.js';
import type { View } from '../view.js';

/** The maximum bytes of a body that other members get. */
const MOST_OF_BODY = 64 * 1024;
/** The maximum number of events of a batch that other members get, and of the characters of all of them. */
const MOST_EVENTS = 50;
const MOST_OF_EVENTS = 128 * 1024;

/** A delivery as another member gets it: as it is shown, never the original. */
export interface FrozenRecording {
  readonly record: Omit<DeliveryRecord, 'sinks' | 'attempts' | 'attemptsDropped'>;
  /** Path and query, complete. */
  readonly url: string;
  /** The outbox's ids of the accepted events, in order. */
  readonly eventIds: readonly string[];
  /** Whether body and events are complete and nothing in them is hidden. */
  readonly isWhole: boolean;
}

/** What members tell each other, as JSON. */
export type SharedEntry =
  | { readonly delivery: FrozenRecording }
  | { readonly attempt: AttemptRecord; readonly id: string }
  /** Events of a delivery, by their positions among the accepted, were requeued under these ids. */
  | {
      readonly replayed: readonly string[];
      readonly positions: readonly number[];
      readonly id: string;
    }
  /** So many deliveries of a member were not told, because they were too many. */
  | { readonly dropped: number; readonly member: string };

/** Returns what other members may know of a delivery. */
export function freeze(recording: Recording, view: View): FrozenRecording {
  const { attempts, attemptsDropped, sinks, ...shown } = view.record(recording);
  const { bytes, changed, truncated } = view.body(recording, MOST_OF_BODY);
  let left = MOST_OF_EVENTS;
  const events = shown.events.slice(0, MOST_EVENTS).filter((event) => {
    left -= JSON.stringify(event).length;
    return left >= 0;
  });
  const request = { ...shown.request, body: bytes.toString('base64'), bodyTruncated: truncated };
  return {
    record: { ...shown, request, events },
    url: view.url(recording),
    // Those of later replays are told on their own.
    eventIds: recording.eventIds.slice(0, recording.counts.accepted),
    isWhole: !changed && !truncated && events.length === shown.events.length,
  };
}

/** Returns the recording of another member, as far as that has told of it. */
export function thaw({ eventIds, isWhole, record, url }: FrozenRecording): Recording {
  const { accepted, answer, count, duplicates, first, looped, quarantined, request } = record;
  const { code, detail, reason = '', verifiedBy = '' } = record;
  const hidden = [url, ...request.headers.map(([, value]) => value)];
  const isHidden = hidden.some((text) => text.includes(MASKED) || text.includes(REDACTED));
  const names = {
    type: first?.type,
    event: first?.event,
    userId: first?.user,
    messageId: first?.messageId,
  };
  return Recording.restored({
    start: {
      id: record.id,
      at: Date.parse(record.at),
      source: record.source,
      method: record.method,
      url,
      httpVersion: request.httpVersion,
      rawHeaders: request.headers.flat(),
      remote: record.remote,
      ...(record.member !== undefined && { member: record.member }),
    },
    origin: {
      bodyBytes: request.bodyBytes,
      isCut: request.bodyTruncated,
      isHidden: request.bodyRedacted,
      isWhole,
      isExact: isWhole && !isHidden,
      ...(record.signed !== undefined && { signed: record.signed }),
    },
    body: Buffer.from(request.body, 'base64'),
    verification:
      record.verified === null
        ? undefined
        : record.verified
          ? { passed: true, verifiedBy }
          : { passed: false, reason },
    answer: {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: answer.body,
      ms: record.ms,
      outcome: record.outcome,
      ...(code !== undefined && { code }),
      ...(detail !== undefined && { detail }),
    },
    first:
      first &&
      Object.fromEntries(
        Object.entries(names).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, value]],
        ),
      ),
    counts: { all: count, accepted, duplicates, quarantined, looped },
    events: record.events.map(({ canonical, decoded, ...event }) => ({
      ...event,
      decoded: JSON.stringify(decoded),
      ...(canonical !== undefined && { canonical: JSON.stringify(canonical) }),
    })),
    eventIds,
  });
}
