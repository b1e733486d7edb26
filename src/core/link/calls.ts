import { TrackbridgeError } from '../errors.js';
import { type Failure, fromFailure, toFailure } from './failure.js';
import type { Link } from './link.js';
import { openMessages } from './messages.js';
import { Slots } from './slots.js';

type Question<Request> = readonly [id: number, request: Request];
type Answer<Reply> = readonly [id: number, reply: Reply | undefined, failure?: Failure];

interface Open<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** How long a sender waits after the other process is gone, in milliseconds. Another one takes its place at once. */
const RETRY_AFTER = 1_000;

/** Returns the error of a call that the other process can no longer answer. */
export function linkLost(): TrackbridgeError {
  const message = 'another process of the receiver has ended; retry later';
  return new TrackbridgeError('OUTBOX_UNAVAILABLE', message, { retryAfter: RETRY_AFTER });
}

/** Adds a topic for calls to the other side. Each call rejects with OUTBOX_UNAVAILABLE once the link is lost. */
export function openCalls<Request, Reply>(
  link: Link,
  name: string,
): (request: Request) => Promise<Reply> {
  const calls = new Slots<Open<Reply>>();
  const send = openMessages<Answer<Reply>, Question<Request>>(link, {
    name,
    onMessage([id, reply, failure]) {
      const call = calls.take(id);
      if (failure === undefined) call?.resolve(reply as Reply);
      else call?.reject(fromFailure(failure));
    },
    onLost() {
      for (const { reject } of calls.takeAll()) reject(linkLost());
    },
  });
  return (request) =>
    new Promise((resolve, reject) => {
      if (link.isLost) return reject(linkLost());
      send([calls.add({ resolve, reject }), request]);
    });
}

/** Adds a topic that answers the calls of the other side. */
export function answerCalls<Request, Reply>(
  link: Link,
  name: string,
  answer: (request: Request) => Reply | Promise<Reply>,
): void {
  const send = openMessages<Question<Request>, Answer<Reply>>(link, {
    name,
    onMessage([id, request]) {
      void reply(id, request);
    },
  });
  const reply = async (id: number, request: Request): Promise<void> => {
    try {
      send([id, await answer(request)]);
    } catch (error) {
      send([id, undefined, toFailure(error)]);
    }
  };
}
