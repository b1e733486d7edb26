import type { Outgoing } from './exchange.js';

export type Vendor = 'segment' | 'rudderstack';

/** One delivery of the graded set, and what is to be made of its answer. */
export interface Probe {
  /** A short fixed name, for programs. */
  readonly id: string;
  readonly title: string;
  /**
   * `real`: the vendor sends this, so it has to be taken; `optional`: only with some settings, which `settings` names;
   * `again`: a retry of one before; `forged`: must be refused; `broken`: from the vendor, and nothing can be made of it.
   */
  readonly kind: 'real' | 'optional' | 'again' | 'forged' | 'broken';
  /** With which settings of the destination it is sent. */
  readonly settings?: string;
  /** Left out where that earlier probe was not taken. */
  readonly after?: string;
  readonly outgoing: Outgoing;
  /** Milliseconds after which the vendor hangs up. */
  readonly hangsUp: number;
  /** What a refusal of it, where simpler ones are taken, says about the receiver. */
  readonly hint?: string;
}

/** What the probes are made of. */
export interface ProbeInput {
  readonly secret: string;
  /** RudderStack: the static header that carries the secret. */
  readonly header: string;
  /** In every messageId, so that one run's events are not another's duplicates. */
  readonly run: string;
  /** Of the events: RFC 3339. */
  readonly timestamp: string;
}
