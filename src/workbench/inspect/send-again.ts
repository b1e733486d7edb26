import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import type { SourceConfig } from '../../config/config.js';
import { timeLimit } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { isHopHeader, pairsOf } from './headers.js';
import { withNewIds } from './new-ids.js';
import type { HeaderLine } from './record.js';
import type { Recording } from './recording.js';
import { signedAgain } from './sign-again.js';

/** Where a process reaches its own listener. */
export interface OwnAddress {
  /** `http://host:port`, or with https. */
  readonly url: string;
  /** The path of the Unix socket that it listens on, if it does. */
  readonly socket?: string;
  /** Its certificate, as PEM text. It is trusted as it is, because it need not be for the host of `url`. */
  readonly certificate?: string;
}

export interface SendAgainDeps {
  /** The receiver's own listener. */
  readonly to: OwnAddress;
  /** The source that received the delivery; undefined if there was none. */
  readonly source: SourceConfig | undefined;
  readonly uuid: () => string;
  /** Whether to use new messageIds, and a new signature if the delivery was authenticated. */
  readonly newIds: boolean;
  /** Milliseconds to wait for the answer. */
  readonly timeout: number;
}

export interface SentAgain {
  readonly status: number;
  /** The new delivery's id; '' if the receiver returned none. */
  readonly id: string;
  readonly body: string;
}

const LONGEST_ANSWER = 64 * 1024;

/**
 * Delivers a recorded delivery to the receiver's own listener again, over a real connection: its own bytes, without
 * content coding. Throws BODY_MALFORMED if new ids are requested for a body without events, and OUTBOX_UNAVAILABLE if
 * the listener does not answer.
 */
export async function sendAgain(recording: Recording, deps: SendAgainDeps): Promise<SentAgain> {
  const { newIds, source, uuid } = deps;
  const recorded = recording.body ?? Buffer.alloc(0);
  const body = newIds ? withNewIds(recorded, uuid) : recorded;
  if (body === undefined) {
    throw new TrackbridgeError(
      'BODY_MALFORMED',
      'only JSON events can get new messageIds; send it again unchanged',
    );
  }
  const headers = pairsOf(recording.start.rawHeaders).filter(([name]) => !isHopHeader(name));
  // A delivery that was not authenticated must not be signed: one click would make a stranger's events authentic.
  const isOurs = newIds && recording.verification?.passed === true;
  const signed = isOurs ? signedAgain(headers, body, source?.verify ?? []) : headers;
  return await exchange(recording, signed, body, deps);
}

function exchange(
  { start }: Recording,
  headers: readonly HeaderLine[],
  body: Buffer,
  { timeout, to }: SendAgainDeps,
): Promise<SentAgain> {
  const { host, hostname, port } = new URL(to.url);
  const hasBody = body.length > 0 || !['GET', 'DELETE', 'HEAD'].includes(start.method);
  const own: HeaderLine[] = hasBody ? [['Content-Length', String(body.length)]] : [];
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void =>
      reject(
        new TrackbridgeError(
          'OUTBOX_UNAVAILABLE',
          `the receiver's own listener did not answer: ${messageOf(error)}`,
          { cause: error },
        ),
      );
    const sending = (to.certificate === undefined ? request : requestTls)(
      {
        host: hostname.replace(/^\[|\]$/g, ''),
        port,
        ...(to.socket === undefined ? {} : { socketPath: to.socket }),
        ...(to.certificate === undefined
          ? {}
          : {
              ca: to.certificate,
              allowPartialTrustChain: true,
              checkServerIdentity: () => undefined,
            }),
        method: start.method,
        path: start.url,
        // Unchanged, including repeated ones.
        headers: [['Host', host] as const, ...headers, ...own].flat(),
        signal: timeLimit(timeout),
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', failed);
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            id: String(response.headers['x-request-id'] ?? ''),
            body: Buffer.concat(chunks).toString('utf8').slice(0, LONGEST_ANSWER),
          }),
        );
      },
    );
    sending.once('error', failed);
    sending.end(body);
  });
}
