import type { JsonObject, JsonValue } from '../core/json.js';
import { formatTimestamp, readTimestamp, usable } from './timestamp/timestamp.js';

/** The canonical time fields of an event; absent ones are omitted from it. */
export interface Times {
  timestamp: string;
  receivedAt: string;
  originalTimestamp?: string;
  sentAt?: string;
  /** Unreadable values, by field. */
  unreadable?: { [field: string]: string };
}

/**
 * Computes the four times of an event. `arrival` is when the delivery arrived, in milliseconds since the epoch and as
 * RFC 3339 text. A missing `timestamp` is computed as both vendors do: the sender's clock is assumed to be wrong by the
 * difference between `sentAt` and the time of receipt.
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

/** Returns the milliseconds of a field and copies its text to `times`; undefined if it is missing or unreadable. */
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

/**
 * Whether a readable text is already in canonical form, as most senders write it, so that it need not be formatted
 * again. The second 60 and the hour 24 are not canonical.
 */
function isCanonical(text: string): boolean {
  return (
    text.length === 24 &&
    text[4] === '-' &&
    text[7] === '-' &&
    text[10] === 'T' &&
    text[13] === ':' &&
    text[16] === ':' &&
    text[19] === '.' &&
    text[23] === 'Z' &&
    text[17] !== '6' &&
    text.slice(11, 13) !== '24'
  );
}
