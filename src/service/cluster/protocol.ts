import type { Config } from '../../config/config.js';
import type { TlsFiles } from '../../http/tls/files.js';
import type { DeliveryWatch } from '../../ingest/authentication-watch.js';
import type { RateLimited } from '../../ingest/rate-limits.js';

/**
 * What the primary process and its workers say to each other, besides the appends of `outbox/remote`. The primary owns
 * the store, the sinks and the admin listener; a worker receives deliveries.
 */

/** The file descriptor of a worker's end of the link. 0 to 2 are standard, 3 is Node's own channel. */
export const LINK_FD = 4;

/** Calls of the primary. */
export const START = 'worker.start';
export const CONFIGURE = 'worker.configure';
export const SETTLE = 'worker.settle';
export const CLOSE = 'worker.close';

/** Messages of the primary. */
export const RECORD = 'worker.record';

/** Calls and messages of a worker. */
export const RATE = 'receiver.rate';
export const RELAY = 'receiver.observations';
export const LOG = 'receiver.log';
export const REJECTIONS = 'receiver.rejections';
export const AUTHENTICATION = 'receiver.authentication';
export const FAILING = 'receiver.failing';

/** What a worker needs to know before it listens. It is sent over the link, because it contains secrets. */
export interface WorkerSettings {
  /** The number of the worker, from 1. A worker that replaces another has the same number. */
  readonly worker: number;
  /** Its limits are the share of one worker. */
  readonly config: Config;
  readonly tls: TlsFiles | undefined;
  /** The port to listen on. It is never 0, so that workers that start later listen on the same one. */
  readonly port: number;
  /** The name of the store. */
  readonly storeId: string;
  readonly logLevel: string;
  /** Whether the primary records deliveries. */
  readonly records: boolean;
}

/** What a worker applies while it listens: another configuration, and its certificate. */
export type WorkerConfiguration = Pick<WorkerSettings, 'config' | 'tls'>;

/** Asks for one delivery under a rate limit. The reply is the milliseconds until it may pass, 0 for now. */
export type RateRequest = readonly [source: string, of: RateLimited];

/** What deliveries mean for the authentication watch of their source, so many times in a row. */
export type AuthenticationNote = readonly [
  source: string,
  what: keyof DeliveryWatch,
  times: number,
];
