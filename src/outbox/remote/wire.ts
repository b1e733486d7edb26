import type { Failure } from '../../core/link/failure.js';
import { type EventColumns, fromColumns, toColumns } from '../event-columns.js';
import type { Appended, NewDelivery, NewQuarantined } from '../intake.js';

/** The names of the topics on the link between a receiving process and the one that owns the store. */
export const APPENDS = 'outbox.append';
export const PROBES = 'outbox.probe';
export const WAITS = 'outbox.settled';

/** A delivery under the number of its call. */
export interface AppendCall {
  readonly id: number;
  readonly delivery: NewDelivery;
}

/** The deliveries of one turn of the receiving process's event loop, and the calls that it has given up. */
export interface AppendBatch {
  readonly ids: readonly number[];
  /** The number of events of each delivery. */
  readonly events: readonly number[];
  readonly columns: EventColumns;
  /** What few deliveries have. */
  readonly quarantined: readonly QuarantinedOf[];
  /** Calls of earlier batches whose deliveries nobody waits for any more. */
  readonly withdrawn: readonly number[];
}

interface QuarantinedOf {
  /** The index of the delivery in the batch. */
  readonly at: number;
  readonly entries: readonly NewQuarantined[];
  readonly unauthenticatedLimit: number | undefined;
}

/** The id of an event, or null for a duplicate. */
type Outcome = string | null;

/** The outcome of each event of a delivery, or why it was not appended. A single event has its outcome alone. */
export type CallResult = Outcome | readonly Outcome[] | Failure;

/** The results of one commit. */
export interface ResultBatch {
  readonly ids: readonly number[];
  readonly results: readonly CallResult[];
}

export function packCalls(calls: readonly AppendCall[], withdrawn: readonly number[]): AppendBatch {
  const quarantined: QuarantinedOf[] = [];
  for (const [at, { delivery }] of calls.entries()) {
    const { quarantined: entries, unauthenticatedLimit } = delivery;
    if (entries.length > 0) quarantined.push({ at, entries, unauthenticatedLimit });
  }
  return {
    ids: calls.map(({ id }) => id),
    events: calls.map(({ delivery }) => delivery.events.length),
    columns: toColumns(calls.flatMap(({ delivery }) => delivery.events)),
    quarantined,
    withdrawn,
  };
}

/** Reverses `packCalls`. */
export function unpackCalls({ columns, events, ids, quarantined }: AppendBatch): AppendCall[] {
  const extras = new Map(quarantined.map(({ at, ...rest }) => [at, rest]));
  let next = 0;
  return ids.map((id, at) => {
    const from = next;
    next += events[at] ?? 0;
    const { entries = [], unauthenticatedLimit } = extras.get(at) ?? {};
    const limit = unauthenticatedLimit === undefined ? {} : { unauthenticatedLimit };
    const delivery = { events: fromColumns(columns, from, next), quarantined: entries, ...limit };
    return { id, delivery };
  });
}

export function packResult(appended: readonly Appended[]): Outcome | readonly Outcome[] {
  const outcomes = appended.map((each) => (each.outcome === 'accepted' ? each.id : null));
  const [first = null] = outcomes;
  return outcomes.length === 1 ? first : outcomes;
}

/** Reverses `packResult`. Returns a failure unchanged. */
export function unpackResult(result: CallResult): readonly Appended[] | Failure {
  if (result === null || typeof result === 'string') return [appendedOf(result)];
  return 'code' in result ? result : result.map(appendedOf);
}

function appendedOf(outcome: Outcome): Appended {
  return outcome === null ? { outcome: 'duplicate' } : { outcome: 'accepted', id: outcome };
}
