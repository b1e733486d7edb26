import type { Clock } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import type { DeadLetterStore, Entries, EntryFilter, QuarantineStore } from '../entries.js';
import type { Appended, NewEvent } from '../intake.js';
import { outcomesOf } from './appended.js';
import type { Step, StepResults } from './thread/messages.js';
import type { StoreThread } from './thread/thread.js';

/** The maximum number of entries per page. */
const PAGE_LIMIT = 1_000;

export interface EntriesDeps {
  readonly clock: Clock;
  /** Reads from the open store. */
  readonly call: StoreThread['call'];
  /** Writes one step. `bytes` is the approximate size of its texts. */
  readonly submit: <Kind extends Step['kind']>(
    step: Extract<Step, { kind: Kind }>,
    bytes: number,
  ) => Promise<StepResults[Kind]>;
}

/** Creates the stores of dead letters and of quarantined events, as operators see them. */
export function createEntries({ call, clock, submit }: EntriesDeps): Entries {
  const deadLetters: DeadLetterStore = {
    list: (filter) => call('deadLetters', pageOf(filter)),
    get: async (id) => (await call('deadLetter', rowOf(id))) ?? undefined,
    purge: (ids) => submit<'purge'>({ kind: 'purge', of: 'deadLetters', ids: ids.map(rowOf) }, 0),
    requeue: (ids) => submit<'replay'>({ kind: 'replay', ids: ids.map(rowOf) }, 0),
  };
  const quarantine: QuarantineStore = {
    list: (filter) => call('quarantine', pageOf(filter)),
    get: async (id) => (await call('quarantined', rowOf(id))) ?? undefined,
    purge: (ids) => submit<'purge'>({ kind: 'purge', of: 'quarantine', ids: ids.map(rowOf) }, 0),
    accept: async (id, event) => {
      // The event arrives now. Retention goes by arrival in position order, so an old arrival time here would delete
      // newer events early.
      const arrived: NewEvent = { ...event, receivedAt: clock.now() };
      const step = { kind: 'accept', id: rowOf(id), event: arrived } as const;
      return acceptedOf(await submit<'accept'>(step, event.json.length));
    },
  };
  return { deadLetters, quarantine };
}

function acceptedOf(result: StepResults['accept']): Appended {
  if (result === 'missing') {
    throw new TrackbridgeError('NOT_FOUND', 'The quarantine has no such entry; list the entries');
  }
  if (result === 'garbled') {
    throw new TrackbridgeError(
      'EVENT_INVALID',
      'This entry is damaged in the store: its checksum does not match; purge it',
    );
  }
  const [appended] = outcomesOf(result);
  if (appended === undefined) throw new TypeError('An accepted entry has no outcome');
  return appended;
}

/** Returns the row of an external id. For an id that is not ours, a row that never exists. */
function rowOf(id: string): number {
  return /^[1-9][0-9]{0,14}$/.test(id) ? Number(id) : 0;
}

function pageOf(filter: EntryFilter): EntryFilter {
  const limit = Math.min(Math.max(Math.trunc(filter.limit), 0), PAGE_LIMIT);
  return { ...filter, limit, after: String(rowOf(filter.after ?? '')) };
}
