import type { Appended } from '../intake.js';
import { outboxFull } from '../limits.js';
import { orderHash } from '../order-hash.js';
import { unauthenticatedFull } from '../unauthenticated.js';
import type { FreshEvent } from './lane-cursors.js';
import type { AppendResult, Step, StepResults } from './thread/messages.js';

/** Returns the outcome of each event of a delivery. Throws if the delivery was refused. */
export function outcomesOf(result: AppendResult): readonly Appended[] {
  if ('refused' in result) {
    if (result.refused === 'unauthenticated-full') throw unauthenticatedFull();
    throw outboxFull(result.sinks);
  }
  return result.positions.map((position) =>
    position === null ? { outcome: 'duplicate' } : { outcome: 'accepted', id: String(position) },
  );
}

/** Returns the events accepted in a group, in position order; undefined if the group also wrote other events. */
export function freshEvents(
  steps: readonly Step[],
  results: readonly StepResults[keyof StepResults][],
  written: number,
): readonly FreshEvent[] | undefined {
  const fresh: FreshEvent[] = [];
  for (const [at, step] of steps.entries()) {
    if (step.kind !== 'append') continue;
    const result = results[at] as AppendResult;
    if ('refused' in result) continue;
    for (const [index, position] of result.positions.entries()) {
      const event = step.events[index];
      if (position === null || event === undefined) continue;
      const { orderKey, json } = event;
      const hash = orderHash(orderKey);
      const id = String(position);
      fresh.push({ position, id, json, bytes: json.length, orderKey, attempts: [], hash });
    }
  }
  return fresh.length === written ? fresh : undefined;
}
