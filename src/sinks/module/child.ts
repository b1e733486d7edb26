import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Handler, serve } from '../../core/child/serve.js';
import { messageOf } from '../../core/errors.js';
import type { CanonicalEvent } from '../../event/event.js';
import { type Failed, type Failure, resultOf } from '../sink.js';
import { createModuleLog, type ModuleLog } from './log.js';
import type {
  AbortNote,
  CreateReply,
  CreateRequest,
  DeliverReply,
  DeliverRequest,
  DoneReply,
} from './messages.js';
import { asSinkError, resultsOf } from './results.js';

/** The entry point of the process that runs an operator's module. */

/** What an operator's module receives besides its options. */
export interface ModuleContext {
  /** The sink's name in the configuration. */
  readonly name: string;
  readonly log: ModuleLog;
}

/**
 * What `createSink(options, context)` of an operator's module returns. Only `deliver` is required. It receives its own
 * copies of events, which it may change. It returns nothing if all are delivered, or one result per event: `true`, or
 * an object with `error` and optionally `retryable: false` or `retryAfter` (milliseconds). A thrown error fails the
 * whole batch, which is retried unless the error has `retryable: false`.
 */
export interface ModuleSink {
  deliver(events: CanonicalEvent[], context: { readonly signal: AbortSignal }): unknown;
  open?(): unknown;
  check?(): unknown;
  close?(): unknown;
}

let sink: ModuleSink | undefined;
const aborts = new Map<number, AbortController>();

async function create({ name, options, path }: CreateRequest): Promise<CreateReply> {
  let exported: Record<string, unknown>;
  try {
    exported = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    return `${path} cannot be loaded: ${messageOf(error)}`;
  }
  const { createSink } = exported;
  if (typeof createSink !== 'function') {
    return `${path} must export a function createSink(options, context)`;
  }
  try {
    const context: ModuleContext = { name, log: createModuleLog(say) };
    const made: unknown = await createSink(options, context);
    if (!isModuleSink(made)) throw new TypeError('it returned no object with a deliver function');
    sink = made;
    return null;
  } catch (error) {
    return `createSink of ${path} failed: ${messageOf(error)}`;
  }
}

function isModuleSink(value: unknown): value is ModuleSink {
  return (
    typeof value === 'object' &&
    value !== null &&
    'deliver' in value &&
    typeof value.deliver === 'function'
  );
}

async function done(work: () => unknown): Promise<DoneReply> {
  try {
    await work();
    return null;
  } catch (error) {
    return asFailure(error);
  }
}

async function deliver(texts: DeliverRequest, id: number): Promise<DeliverReply> {
  const abort = new AbortController();
  aborts.set(id, abort);
  try {
    const events = texts.map((json): CanonicalEvent => JSON.parse(json));
    const returned = await sink?.deliver(events, { signal: abort.signal });
    const results = resultsOf(returned, texts.length);
    const failed = results.map((result): Failed | null => (result.ok ? null : result));
    return failed.every((each) => each === null) ? null : failed;
  } catch (error) {
    return { failure: asFailure(error) };
  } finally {
    aborts.delete(id);
  }
}

function asFailure(error: unknown): Failure {
  const { ok: _, ...failure } = resultOf(asSinkError(error));
  return failure;
}

const handlers: Readonly<Record<string, Handler>> = {
  create: (request) => create(request as CreateRequest),
  open: () => done(() => sink?.open?.()),
  check: () => done(() => sink?.check?.()),
  close: () => done(() => sink?.close?.()),
  deliver: (request, { id }) => deliver(request as DeliverRequest, id),
};

const say = serve({
  handlers,
  onNote: (note) => {
    const { abort, isLate } = note as AbortNote;
    const reason = isLate
      ? new DOMException('The attempt took too long', 'TimeoutError')
      : undefined;
    aborts.get(abort)?.abort(reason);
  },
});
