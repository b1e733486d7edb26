/** The port from which dispatchers take pending events. */
export interface Feed {
  /** Returns a consumer of one sink, whose events are spread over `lanes`. An engine may allow only one at a time. */
  consumer(sink: string, lanes: number): Consumer;

  /**
   * Resolves once every configured sink has finally settled these events (delivered, filtered, or dead letter), or when
   * `signal` aborts or the outbox closes; immediately if no sink is configured. Never rejects.
   */
  settled(ids: readonly string[], signal: AbortSignal): Promise<void>;
}

/** The pending events of one sink, spread over lanes. Several consumers of a sink may exist, in several processes. */
export interface Consumer {
  /**
   * Claims the next events of a lane, at most `max`, oldest first; none, immediately, if there are none. A claimed event
   * is not claimed again while its lease lasts. After that, unsettled events are claimed again, in order.
   *
   * All events of one order key belong to one lane at a time. The unsettled events of a lane are all claimed under the
   * same lease: a lane gets another lease only after the last one was revoked, or while it has no unsettled events.
   *
   * `fits` is called for each event in turn, before its text is held in memory for the claim. The first event for which
   * it returns false stays unclaimed, as does everything after it. If the claim rejects, nothing was claimed.
   */
  claim(lane: number, max: number, fits?: Fits): Promise<Claim>;

  /** Reads the texts of claimed, unsettled events again, by id. Omits events that the store no longer holds. */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;

  /**
   * Returns whether a claimed event is still pending. It is not once it is settled, or removed by a limit or a purge.
   */
  holds(id: string): boolean;

  /**
   * Resolves once the outcomes of events claimed under this lease are recorded durably. An event whose settlement was
   * not recorded is redelivered after a restart. Rejects with LANE_LOST, and records nothing, if the lease was revoked:
   * another consumer may have claimed the events. Do not retry then. Drop the events and claim the lane anew.
   */
  settle(lease: Lease, settlements: readonly Settlement[]): Promise<void>;

  /** Resolves when `lane` may have something to claim, or when `signal` aborts. Never rejects. */
  available(lane: number, signal: AbortSignal): Promise<void>;

  /** Waits for the settlements in progress and revokes every lease of this consumer. */
  close(): Promise<void>;
}

/** The right to send and settle the events of a lane. It can be revoked at any time. */
export interface Lease {
  /** Aborts when the lease is revoked. From then on, nothing that was claimed under it may be sent or settled. */
  readonly revoked: AbortSignal;

  /**
   * Resolves to true once the lease is certain to last for another `ms` milliseconds, which may take until its next
   * renewal; to false if it is revoked first. An attempt that may take `ms` must not begin before. Never rejects.
   */
  covers(ms: number): Promise<boolean>;
}

/** The events of one claim, and the lease under which they are held. */
export interface Claim {
  readonly lease: Lease;
  readonly events: readonly Claimed[];
}

/** Returns whether an event with a JSON text of about this many bytes may be claimed. */
export type Fits = (bytes: number) => boolean;

/** An event claimed for a sink's lane, with its failed attempts so far (including those before a restart). */
export interface Claimed {
  readonly id: string;
  readonly json: string;
  readonly orderKey: string;
  readonly attempts: readonly Attempt[];
}

export interface Attempt {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** One line, without secrets and without anything of the payload. */
  readonly error: string;
  /** The far side's answer, one line. It may repeat the payload, so it is not for lists and logs. */
  readonly farSide?: string;
  /** The operator's own code did not return: it took too long, or its process ended. Such events get few attempts. */
  readonly crashed?: true;
}

export type Settlement =
  | { readonly id: string; readonly outcome: 'done' }
  /** The sink's filter or transform excluded it. */
  | { readonly id: string; readonly outcome: 'filtered' }
  /** Another attempt failed. The event stays claimed, and the store keeps the attempt across a restart. */
  | { readonly id: string; readonly outcome: 'retry'; readonly attempt: Attempt }
  /** Given up: it becomes a dead letter with all its attempts, including this last one. */
  | { readonly id: string; readonly outcome: 'dead'; readonly attempt: Attempt };
