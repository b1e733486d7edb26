import type { Failure } from '../../core/link/failure.js';
import type { ReportRequest } from '../report/build.js';
import type { FullReport } from '../report/report.js';
import type { ParitySettings, Side } from '../settings.js';

/** A comparison that the thread runs. */
export interface ThreadComparison {
  readonly name: string;
  /** The file of its store; '' for one in memory. */
  readonly path: string;
  readonly settings: ParitySettings;
}

/** An arrival of the comparison with this index. */
export type ArrivalMessage = readonly [comparison: number, side: Side, at: number, json: string];

/** A time, in milliseconds since the epoch, whose arrivals are not recorded. */
export interface GapMessage {
  readonly from: number;
  readonly to: number;
}

/** What a comparison has done since its thread started, for the metrics. */
export interface ParityState {
  readonly name: string;
  /** Verdicts of the last hour. */
  readonly report: Pick<
    FullReport,
    'both' | 'onlyLeft' | 'onlyRight' | 'different' | 'late' | 'repeats' | 'match' | 'pending'
  >;
  readonly silent: Readonly<Record<Side, boolean>>;
  /** Events that wait for the pairing. */
  readonly backlog: number;
}

export type ParityRequest =
  | { readonly kind: 'arrivals'; readonly events: readonly ArrivalMessage[] }
  | { readonly kind: 'gap'; readonly gap: GapMessage }
  | { readonly kind: 'report'; readonly request: ReportRequest }
  | { readonly kind: 'states' }
  | { readonly kind: 'close' };

/** The thread answers every request in order. */
export type ParityReply =
  | { readonly reply: FullReport | readonly ParityState[] | null }
  | { readonly failure: Failure }
  /** Not an answer: the pairing has failed, and the thread tries again. */
  | { readonly warning: string };

/** What a thread needs to start. */
export interface ThreadData {
  readonly comparisons: readonly ThreadComparison[];
}
