import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { sign, trackText } from '../support/sender.js';
import type { Ledger } from './ledger.js';
import { SECRET } from './program.js';
import type { RowContext } from './row.js';

/** How long a sender waits before it tries a port again that nobody listens on, milliseconds. */
const NOBODY_THERE_MS = 10;

/** What a delivery came to. */
export interface Answered {
  /** Undefined where the connection broke or the sender gave up; nobody knows then whether it was taken. */
  readonly status: number | undefined;
  /** Nobody listened, so it certainly was not taken. */
  readonly unsent: boolean;
  readonly ms: number;
  readonly retryAfter: string | undefined;
}

/** One delivery. `timeoutMs`: when the sender gives up; Segment after five seconds, RudderStack after ten. */
export async function deliver(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  options: {
    readonly dispatcher: Agent;
    readonly timeoutMs: number;
    readonly signal?: AbortSignal;
  },
): Promise<Answered> {
  const sentAt = performance.now();
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal =
    options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      dispatcher: options.dispatcher,
      signal,
    });
    await answer.body.dump();
    const retryAfter = answer.headers['retry-after'];
    return {
      status: answer.statusCode,
      unsent: false,
      ms: performance.now() - sentAt,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
    };
  } catch (error) {
    const unsent = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    return { status: undefined, unsent, ms: performance.now() - sentAt, retryAfter: undefined };
  }
}

/** The headers of Segment's webhooks for a body. */
export function segmentHeaders(signed: string): Readonly<Record<string, string>> {
  return { 'user-agent': 'Segment.io/1.0', 'x-signature': sign(signed, SECRET) };
}

export interface LoadOptions {
  readonly ledger: Ledger;
  /** Where the receiver is now; it is asked before each delivery, since a restart can change it. */
  readonly url: () => string;
  readonly senders: number;
  /** The least time between two deliveries of one sender, milliseconds; 0 unless said. */
  readonly everyMs?: number;
  /** Whether an event is sent until it is answered 200, as vendors do; else the next one is sent after any answer. */
  readonly untilAccepted?: boolean;
  /** The properties of an event; its number unless said. */
  readonly properties?: (id: string) => object;
  /** Sees each answer. `startedAt` is on the clock of `performance.now()`. */
  readonly onAnswer?: (id: string, answer: Answered, startedAt: number) => void;
}

export interface Load {
  /** Ends it; resolves when the deliveries under way are over. */
  stop(): Promise<void>;
}

/**
 * Sends Segment's deliveries of one event each, one after the other from each sender, until it is stopped. Each sender is
 * one user. What is refused or not answered is not sent again: the next event is, once somebody listens. It ends with the row
 * at the latest.
 */
export function startLoad({ after }: Pick<RowContext, 'after'>, options: LoadOptions): Load {
  const dispatcher = new Agent({ connections: options.senders });
  let ended = false;
  const send = async (user: string): Promise<void> => {
    for (let number = 0; !ended; ) {
      const id = `${user}:${number}`;
      options.ledger.sending(id, user);
      const body = trackText(id, {
        userId: user,
        properties: options.properties?.(id) ?? { number },
      });
      const startedAt = performance.now();
      const answer = await deliver(`${options.url()}/segment`, body, segmentHeaders(body), {
        dispatcher,
        timeoutMs: 10_000,
      });
      if (answer.status !== undefined) options.ledger.answered([id], answer.status, answer.ms);
      options.onAnswer?.(id, answer, startedAt);
      const isOver = options.untilAccepted === true ? answer.status === 200 : !answer.unsent;
      if (isOver) number++;
      const pause = !isOver ? NOBODY_THERE_MS : (options.everyMs ?? 0);
      if (pause > 0) await sleep(pause);
    }
  };
  const all = Promise.all(Array.from({ length: options.senders }, (_, n) => send(`u${n}`)));
  const stop = async (): Promise<void> => {
    ended = true;
    await all;
    await dispatcher.destroy();
  };
  after(stop);
  return { stop };
}
