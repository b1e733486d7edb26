import { parentPort } from 'node:worker_threads';
import { TrackbridgeError } from '../errors.js';
import { keepsConnection, toFailure } from './sqlite-failure.js';
import { StoreService } from './sqlite-service.js';
import type { ThreadReply, ThreadRequest } from './sqlite-thread.js';

/** The entry of the store's thread: answers one request after another until the event loop ends it. */
const { handlers } = new StoreService((warning) => {
  parentPort?.postMessage({ warning } satisfies ThreadReply);
});

parentPort?.on('message', ({ kind, request }: ThreadRequest) => {
  parentPort?.postMessage(answer());

  function answer(): ThreadReply {
    try {
      // `kind` and `request` were paired by `StoreThread.call`.
      return { reply: handlers[kind](request as never) };
    } catch (error) {
      const fatal = !(error instanceof TrackbridgeError) && !keepsConnection(error);
      return { failure: toFailure(error), fatal };
    }
  }
});
