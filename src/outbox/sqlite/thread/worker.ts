import { parentPort } from 'node:worker_threads';
import { TrackbridgeError } from '../../../core/errors.js';
import { keepsConnection, toFailure } from '../health/failure.js';
import type { ThreadReply, ThreadRequest } from './messages.js';
import { StoreService } from './service.js';

/** The entry point of the store's thread. It answers one request after another until the event loop ends it. */
const { handlers } = new StoreService((warning) => {
  parentPort?.postMessage({ warning } satisfies ThreadReply);
});

parentPort?.on('message', ({ kind, request }: ThreadRequest) => {
  parentPort?.postMessage(answer());

  function answer(): ThreadReply {
    try {
      // `StoreThread.call` paired `kind` and `request`.
      return { reply: handlers[kind](request as never) };
    } catch (error) {
      const fatal = !(error instanceof TrackbridgeError) && !keepsConnection(error);
      return { failure: toFailure(error), fatal };
    }
  }
});
