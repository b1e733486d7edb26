import type { Outgoing } from './exchange.js';
import type { Limit } from './proxies.js';

export type Vendor = 'segment' | 'rudderstack';

/** One delivery of the graded set, and how to grade its answer. */
export interface Probe {
  /** A short fixed identifier, for programs. */
  readonly id: string;
  readonly title: string;
  /**
   * `real`: the vendor sends this, so it must be accepted; `optional`: sent only with some settings, which `settings`
   * names; `again`: a retry of an earlier one; `forged`: must be rejected; `broken`: sent by the vendor but unreadable.
   */
  readonly kind: 'real' | 'optional' | 'again' | 'forged' | 'broken';
  /** The settings of the destination with which it is sent. */
  readonly settings?: string;
  /** Skipped if that earlier probe was not accepted. */
  readonly after?: string;
  readonly outgoing: Outgoing;
  /** Milliseconds after which the vendor closes the connection. */
  readonly hangsUp: number;
  /** What its rejection says about the receiver, if simpler probes are accepted. */
  readonly hint?: string;
  /** The limit of a proxy that most likely rejected it. Its setting replaces the hint if the proxy is known. */
  readonly limit?: Limit;
}

/** The input for the probes. */
export interface ProbeInput {
  readonly secret: string;
  /** RudderStack: the static header that carries the secret. */
  readonly header: string;
  /** Part of every messageId, so that the events of two runs are not duplicates. */
  readonly run: string;
  /** The events' time, RFC 3339. */
  readonly timestamp: string;
}
