import { request } from 'node:http';
import type { SourceConfig } from '../config/config.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { isHopHeader, pairsOf } from './headers.js';
import { withNewIds } from './new-ids.js';
import type { HeaderLine } from './record.js';
import { signedAgain } from './sign-again.js';
import type { Tape } from './tape.js';

export interface SendAgainDeps {
  /** `http://host:port` of the receiver's own listener. */
  readonly url: string;
  /** Which took the delivery; undefined where none did. */
  readonly source: SourceConfig | undefined;
  readonly uuid: () => string;
  /** With new messageIds, and signed anew where the delivery had verified. */
  readonly newIds: boolean;
  /** Milliseconds that the answer may take. */
  readonly timeout: number;
}

export interface SentAgain {
  readonly status: number;
  /** Of the new delivery; '' where the receiver said none. */
  readonly id: string;
  readonly body: string;
}

const LONGEST_ANSWER = 64 * 1024;

/**
 * Delivers a recorded delivery to the receiver's own listener once more, over a real connection: its own bytes, without
 * content coding. Throws BODY_MALFORMED where new ids are asked of a body that has no place for them, OUTBOX_UNAVAILABLE
 * where the listener does not answer.
 */
export async function sendAgain(tape: Tape, deps: SendAgainDeps): Promise<SentAgain> {
  const { newIds, source, uuid } = deps;
  const recorded = tape.body ?? Buffer.alloc(0);
  const body = newIds ? withNewIds(recorded, uuid) : recorded;
  if (body === undefined) {
    throw new TrackbridgeError(
      'BODY_MALFORMED',
      'only JSON events can get new messageIds; send it again as it is',
    );
  }
  const headers = pairsOf(tape.start.rawHeaders).filter(([name]) => !isHopHeader(name));
  // What never verified is not ours to sign: one press would make a stranger's events authentic.
  const isOurs = newIds && tape.verification?.holds === true;
  const signed = isOurs ? signedAgain(headers, body, source?.verify ?? []) : headers;
  return await exchange(tape, signed, body, deps);
}

function exchange(
  { start }: Tape,
  headers: readonly HeaderLine[],
  body: Buffer,
  { timeout, url }: SendAgainDeps,
): Promise<SentAgain> {
  const { host, hostname, port } = new URL(url);
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
    const sending = request(
      {
        host: hostname.replace(/^\[|\]$/g, ''),
        port,
        method: start.method,
        path: start.url,
        // As they came, those that come twice as well.
        headers: [['Host', host] as const, ...headers, ...own].flat(),
        signal: AbortSignal.timeout(timeout),
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
