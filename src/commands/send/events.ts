import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { isObject, type JsonObject } from '../../core/json.js';
import { sampleEvent } from '../../workbench/emulate/samples.js';
import type { SendPlan } from './options.js';

/**
 * Returns the deliveries of a plan, each with its events: those of the file, in turn, or made-up ones. A file's events
 * are sent unchanged. When they repeat, they get new messageIds, or the receiver would drop them as duplicates.
 */
export function deliveriesOf(plan: SendPlan, clock: Clock): JsonObject[][] {
  const size = plan.batch ?? 1;
  const given = plan.file === undefined ? undefined : readEvents(plan.file);
  const deliveries = plan.count ?? Math.ceil((given?.length ?? 1) / size);
  // Without a count, the last batch of a file holds the remaining events.
  const total = plan.count === undefined && given !== undefined ? given.length : deliveries * size;
  const eventAt = (index: number): JsonObject =>
    given === undefined
      ? (plan.form.make?.() ?? sampleEvent({ ...plan, index, now: clock.now() }))
      : again(given[index % given.length] ?? {}, index >= given.length);
  const events = Array.from({ length: total }, (_, index) => eventAt(index));
  return Array.from({ length: deliveries }, (_, index) =>
    events.slice(index * size, (index + 1) * size),
  );
}

function again(event: JsonObject, isAgain: boolean): JsonObject {
  return isAgain && 'messageId' in event ? { ...event, messageId: randomUUID() } : event;
}

/** Reads one JSON object or an array of objects. Throws CONFIG_INVALID if the file holds anything else. */
function readEvents(file: string): JsonObject[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // Only the kind of a syntax error is shown, because its text quotes the payload.
    const why = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error);
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      `cannot read the events of --file ${file}: ${why}`,
    );
  }
  const events: unknown[] = Array.isArray(value) ? value : [value];
  if (events.length > 0 && events.every(isObject)) return events;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `--file ${file} has no event; it must be a JSON object, or an array of objects`,
  );
}
