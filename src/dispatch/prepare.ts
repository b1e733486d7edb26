import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { SinkEvent } from '../sinks/sink.js';
import { type Format, toSinkEvent } from './format.js';
import { oneLine } from './one-line.js';
import { applyTransform, type Transform } from './transform.js';
import type { Wanted } from './where.js';

/** What becomes of a claimed event: these to send, nothing to send, or a failure that no second try would cure. */
export type Prepared =
  | { readonly kind: 'send'; readonly events: readonly SinkEvent[] }
  | { readonly kind: 'skip' }
  | { readonly kind: 'fail'; readonly error: string };

export interface PrepareOptions {
  readonly wanted: Wanted | undefined;
  readonly transform: Transform | undefined;
  readonly format: Format;
  /** Milliseconds that an asynchronous transform may take. */
  readonly timeout: number;
}

/** Filter, transform and format: everything between a claim and the first attempt. Never throws. */
export function createPrepare(
  options: PrepareOptions,
  clock: Clock,
): (json: string) => Promise<Prepared> {
  const { wanted, transform, format, timeout } = options;
  return async (json) => {
    const event = toSinkEvent(json, format);
    try {
      if (wanted !== undefined && !wanted(event.event)) return { kind: 'skip' };
    } catch (error) {
      return { kind: 'fail', error: oneLine(`the event cannot be read: ${messageOf(error)}`) };
    }
    if (transform === undefined) return { kind: 'send', events: [event] };
    try {
      const texts = await applyTransform(transform, json, timeout, clock);
      if (texts.length === 0) return { kind: 'skip' };
      return { kind: 'send', events: texts.map((text) => toSinkEvent(text, format)) };
    } catch (error) {
      return { kind: 'fail', error: oneLine(`the transform failed: ${messageOf(error)}`) };
    }
  };
}
