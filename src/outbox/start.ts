import type { SinkLimit } from './limits.js';
import type { SinkStart } from './store.js';

/** What a sink that begins receives of the events that the store holds. */
export interface Beginning {
  readonly events: number;
  /** When the first of these arrived, in milliseconds since the epoch. */
  readonly oldestReceivedAt?: number | undefined;
  /** Older events that `start` selects but the sink has no room for. */
  readonly left: number;
  /** Events that were pending and are not delivered any more. */
  readonly discarded: number;
}

/** What is to be said about a sink when the store opens. */
export interface SinkAtStart {
  readonly name: string;
  readonly state: 'new' | 'returning' | 'running' | 'removed' | 'elsewhere';
  readonly paused: boolean;
  readonly pending: number;
  readonly oldestReceivedAt?: number | undefined;
  /** Events that passed the retention while it was not configured. */
  readonly missed: number;
  /** The option `start`, and the one that the store remembers. */
  readonly start: SinkStart | undefined;
  readonly known: string;
  /** Present if `start` was applied. */
  readonly beginning?: Beginning | undefined;
}

/**
 * Returns how many retained events a sink that begins may get: half of its limit. With all of it, the sink's backlog
 * would refuse deliveries at once.
 */
export function roomToBegin({ maxPending }: SinkLimit, pending: number): number {
  return Math.max(0, Math.floor(maxPending / 2) - pending);
}

/** Returns a line for the operator about a sink; undefined if there is nothing to say. */
export function lineAtStart(sink: SinkAtStart): string | undefined {
  const { beginning, missed, name, pending, start, state } = sink;
  const events = counted(pending, 'pending event');
  if (state === 'elsewhere') return `sink ${name} is not configured here; other members deliver it`;
  if (state === 'removed') {
    return pending === 0
      ? undefined
      : `sink ${name} is no longer configured and has ${events}; they stay until outbox.retention ends: configure it again to deliver them, or discard them with trackbridge sinks purge ${name}`;
  }
  const lines: string[] = [];
  if (state === 'new') lines.push(`sink ${name} is new${began(beginning, start)}`);
  if (state === 'returning') {
    const how =
      beginning === undefined
        ? ` and resumes where it stopped: it receives ${range(pending, sink.oldestReceivedAt)}`
        : began(beginning, start);
    const gone =
      missed === 0
        ? ''
        : `; ${counted(missed, 'event')} passed outbox.retention while it was not configured and cannot be delivered`;
    lines.push(`sink ${name} is configured again${how}${gone}`);
  }
  if (state === 'running' && start !== undefined && start.option !== sink.known) {
    lines.push(
      `sink ${name} has received events before, so start: ${start.option} has no effect; deliver earlier events with trackbridge replay --sink ${name}`,
    );
  }
  if (sink.paused) {
    lines.push(
      `sink ${name} is paused and has ${events}; continue with trackbridge sinks resume ${name}`,
    );
  }
  return lines.length === 0 ? undefined : lines.join('. ');
}

function began(beginning: Beginning | undefined, start: SinkStart | undefined): string {
  if (beginning === undefined || start === undefined || start.from === 'next') {
    const discarded = beginning?.discarded ?? 0;
    const lost =
      discarded === 0
        ? ''
        : `, and ${counted(discarded, 'pending event')} ${discarded === 1 ? 'is' : 'are'} discarded`;
    return `: it starts with the next event${lost}`;
  }
  const { events, left, oldestReceivedAt } = beginning;
  const more =
    left === 0
      ? ''
      : `; ${counted(left, 'older event')} would take more than half of its maxPending: deliver them later with trackbridge replay`;
  return ` with start: ${start.option}: it receives ${range(events, oldestReceivedAt)}${more}`;
}

function range(events: number, oldest: number | undefined): string {
  if (events === 0) return 'none of the events that were accepted before';
  const from = oldest === undefined ? '' : `, received from ${new Date(oldest).toISOString()} on`;
  return `${counted(events, 'earlier event')}${from}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
