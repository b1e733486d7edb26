import { orderKeyOf } from '../../event/event.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Failed,
  resultOf,
  type SinkEvent,
  sinkErrorOf,
} from '../sink.js';

/** Events that are sent in one request, and their positions in the batch. */
export interface BatchRequest {
  readonly indices: readonly number[];
  /** Makes one attempt. Rejects with a SinkError unless it was delivered. */
  send(): Promise<void>;
  /** Splits it in two, in order; absent for a single event. */
  halves?(): readonly [BatchRequest, BatchRequest];
}

/**
 * Sends requests one after the other and records each event's result in `results`. If a request is rejected permanently,
 * one event is the cause, and the request is halved until that event is found, so that the others are delivered. After a
 * transient failure nothing more is sent: later events may belong to the same user and must not overtake.
 *
 * `untilArrived`: while nothing has been delivered, such a rejection is thrown instead of halved, so that the
 * dispatcher halves the batch and gives each half a timeout of its own. Events already delivered must not be sent again
 * for that.
 */
export async function sendInOrder(
  requests: readonly BatchRequest[],
  results: DeliveryResult[],
  untilArrived: 'throw' | 'halve' = 'halve',
): Promise<void> {
  const queue = [...requests];
  let arrived = untilArrived === 'halve';
  for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
    const error = await sinkErrorOf(request.send());
    const halves = error === undefined || error.retryable ? undefined : request.halves?.();
    if (error !== undefined && halves !== undefined) {
      if (!arrived) throw error;
      queue.unshift(...halves);
      continue;
    }
    arrived ||= error === undefined;
    const rest = error?.retryable ? queue.splice(0) : [];
    const result = error === undefined ? DELIVERED : resultOf(error);
    for (const { indices } of [request, ...rest]) {
      for (const index of indices) results[index] = result;
    }
  }
}

/** Splits a list of at least two in the middle. */
export function halved<T>(list: readonly T[]): readonly [readonly T[], readonly T[]] {
  const middle = Math.ceil(list.length / 2);
  return [list.slice(0, middle), list.slice(middle)];
}

/**
 * For events that were sent together: if one has to be retried, its user's later events are retried too, although they
 * were delivered. Otherwise the retried one would become the latest known of the user.
 */
export function heldBack(
  batch: readonly SinkEvent[],
  results: readonly DeliveryResult[],
): readonly DeliveryResult[] {
  const behind = new Map<string, Failed>();
  return results.map((result, index) => {
    const event = batch[index]?.event;
    if (event === undefined || (!result.ok && !result.retryable)) return result;
    if (result.ok && behind.size === 0) return result;
    const user = orderKeyOf(event);
    const before = behind.get(user);
    if (!result.ok) behind.set(user, before ?? result);
    return before ?? result;
  });
}

/** Groups the positions of events in the batch by `keyOf`, in order: events of one topic, or of one user. */
export function indicesBy(
  batch: readonly SinkEvent[],
  keyOf: (event: SinkEvent) => string,
): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  batch.forEach((event, index) => {
    const key = keyOf(event);
    const known = places.get(key);
    if (known === undefined) places.set(key, [index]);
    else known.push(index);
  });
  return places;
}
