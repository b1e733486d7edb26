import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../clock.js';
import { sampleEvent } from '../emulate/samples.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject } from '../event/event.js';
import type { SendPlan } from './send-options.js';

/**
 * The deliveries of a plan, each with its events: those of the file, in turn, or made-up ones. A file's events are sent as
 * they stand; where they come round again they get messageIds of their own, or the receiver would know them already.
 */
export function deliveriesOf(plan: SendPlan, clock: Clock): JsonObject[][] {
  const size = plan.batch ?? 1;
  const given = plan.file === undefined ? undefined : readEvents(plan.file);
  const deliveries = plan.count ?? Math.ceil((given?.length ?? 1) / size);
  // Without a count, the last batch of a file holds what is left.
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

/** One JSON object, or an array of some. Throws CONFIG_INVALID where the file holds anything else. */
function readEvents(file: string): JsonObject[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // Only the kind of a syntax error: its text quotes the payload.
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
    `--file ${file} holds no event; it takes a JSON object, or an array of objects`,
  );
}
