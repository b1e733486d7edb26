import type { JsonObject, JsonValue } from './event.js';
import { formatTimestamp, readTimestamp, usable } from './timestamp.js';

/** The canonical time fields of an event; those that are absent here are left out of it. */
export interface Times {
  timestamp: string;
  receivedAt: string;
  originalTimestamp?: string;
  sentAt?: string;
  /** What could not be read, by field. */
  unreadable?: { [field: string]: string };
}

/**
 * The four times of an event (contract, section 5). `arrival` is when the delivery came in, in milliseconds since the
 * epoch, and as RFC 3339 text. A missing `timestamp` is worked out as both vendors do: the sender's clock is taken to be
 * wrong by what lies between its `sentAt` and the receipt.
 */
export function readTimes(sent: JsonObject, arrival: number, arrivalText: string): Times {
  const times: Times = { timestamp: '', receivedAt: arrivalText };
  const timestamp = readField(sent, 'timestamp', times);
  const original = readField(sent, 'originalTimestamp', times);
  const sentAt = readField(sent, 'sentAt', times);
  const received = readField(sent, 'receivedAt', times) ?? arrival;

  if (timestamp === undefined) {
    const corrected =
      original === undefined || sentAt === undefined
        ? undefined
        : usable(received - (sentAt - original));
    times.timestamp = formatTimestamp(corrected ?? received);
  } else if (!isCanonical(times.timestamp)) {
    times.timestamp = formatTimestamp(timestamp);
  }
  return times;
}

type TimeField = 'timestamp' | 'originalTimestamp' | 'sentAt' | 'receivedAt';

/** Milliseconds of a field, whose text goes to `times` as it is; undefined where it is missing or cannot be read. */
function readField(sent: JsonObject, field: TimeField, times: Times): number | undefined {
  const value = sent[field];
  if (value === undefined || value === null || value === '') return undefined;
  const read = typeof value === 'string' ? readTimestamp(value) : undefined;
  if (read === undefined || typeof value !== 'string') {
    times.unreadable ??= {};
    times.unreadable[field] = textOf(value);
    return undefined;
  }
  times[field] = value;
  return read;
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether a text that was read is in the canonical form already, which most senders write: spares writing it anew. */
function isCanonical(text: string): boolean {
  return (
    text.length === 24 &&
    text[10] === 'T' &&
    text[19] === '.' &&
    text[23] === 'Z' &&
    text[17] !== '6'
  );
}
