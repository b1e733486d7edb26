import { type Clock, within, withinTime } from '../../core/clock.js';
import { TrackbridgeError } from '../../core/errors.js';
import { linkLost, openCalls } from '../../core/link/calls.js';
import { fromFailure } from '../../core/link/failure.js';
import type { Link, Ready } from '../../core/link/link.js';
import { Slots } from '../../core/link/slots.js';
import type { Feed } from '../feed.js';
import type { Appended, Intake, NewDelivery } from '../intake.js';
import { SendQueue, sizeOf } from '../send-queue.js';
import {
  APPENDS,
  type AppendCall,
  PROBES,
  packCalls,
  type ResultBatch,
  unpackResult,
  WAITS,
} from './wire.js';

/** The maximum size of one batch, so that none takes long to write and read. A larger delivery has its own batch. */
const BATCH_CHARACTERS = 4 * 1024 * 1024;

/** How long a probe waits for the other process, in milliseconds: shorter than callers wait. */
const PROBE_PATIENCE = 2_000;

const RETRY_AFTER = 1_000;

interface Waiting extends AppendCall {
  readonly size: number;
}

interface Open {
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: Error) => void;
}

/** The part of an outbox that a receiver needs. */
export type ReceiverOutbox = Pick<Intake, 'append' | 'probe'> & Pick<Feed, 'settled'>;

/**
 * The outbox as a receiving process sees it: the store belongs to another process, at the other end of a link. All
 * deliveries of a turn of the event loop are sent together.
 */
export class RemoteOutbox implements ReceiverOutbox {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #ready: Ready;
  readonly #probe: (request: null) => Promise<null>;
  readonly #wait: (ids: readonly string[]) => Promise<null>;
  /** Calls without a result. A call whose caller has given up stays until its result arrives. */
  readonly #open = new Slots<Open>();
  /** Deliveries that are not sent yet, in the order of arrival. */
  readonly #waiting = new SendQueue<Waiting>();
  #withdrawn: number[] = [];

  constructor(link: Link, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
    this.#probe = openCalls(link, PROBES);
    this.#wait = openCalls(link, WAITS);
    this.#ready = link.add({
      name: APPENDS,
      take: () => this.#take(),
      receive: (batch) => this.#receive(batch as ResultBatch),
      lost: () => this.#lost(),
    });
  }

  append(delivery: NewDelivery, signal?: AbortSignal): Promise<readonly Appended[]> {
    if (this.#link.isLost) return Promise.reject(linkLost());
    if (signal?.aborted) return Promise.reject(spent());
    const size = sizeOf(delivery);
    return new Promise((resolve, reject) => {
      const message = 'Too many deliveries wait for the outbox; retry later';
      this.#waiting.checkRoom(size, message, this.#open.size);
      const onAbort = (): void => {
        this.#withdraw(waiting);
        reject(spent());
      };
      const id = this.#open.add({
        resolve: (appended) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(appended);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      const waiting = { id, delivery, size };
      this.#waiting.push(waiting);
      this.#ready();
    });
  }

  async probe(): Promise<void> {
    await withinTime(this.#probe(null), PROBE_PATIENCE, this.#clock, () => {
      const message = 'The process that owns the outbox does not answer';
      throw new TrackbridgeError('OUTBOX_UNAVAILABLE', message, { retryAfter: RETRY_AFTER });
    });
  }

  async settled(ids: readonly string[], signal: AbortSignal): Promise<void> {
    // Never rejects. Without the other process nothing is settled any more.
    const settled = this.#wait(ids).catch(() => null);
    await within(settled, signal, () => null);
  }

  #take(): unknown {
    const calls = this.#waiting.take(Number.POSITIVE_INFINITY, BATCH_CHARACTERS);
    const withdrawn = this.#withdrawn;
    this.#withdrawn = [];
    if (this.#waiting.length > 0) this.#ready();
    return calls.length + withdrawn.length === 0 ? undefined : packCalls(calls, withdrawn);
  }

  #receive({ ids, results }: ResultBatch): void {
    for (const [at, id] of ids.entries()) {
      const call = this.#open.take(id);
      const result = unpackResult(results[at] ?? null);
      if ('code' in result) call?.reject(fromFailure(result));
      else call?.resolve(result);
    }
  }

  /** Removes a delivery that is not sent yet. Otherwise tells the other process that nobody waits for it. */
  #withdraw(waiting: Waiting): void {
    const { id } = waiting;
    if (this.#waiting.remove(waiting)) {
      this.#open.take(id);
    } else if (!this.#link.isLost) {
      this.#withdrawn.push(id);
      this.#ready();
    }
  }

  #lost(): void {
    this.#waiting.clear();
    for (const { reject } of this.#open.takeAll()) reject(linkLost());
  }
}

function spent(): TrackbridgeError {
  const message = 'The outbox did not answer in time; retry the delivery';
  return new TrackbridgeError('BUDGET_SPENT', message, { retryAfter: RETRY_AFTER });
}
