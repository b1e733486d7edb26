import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { CanonicalEvent } from '../event/event.js';
import { orInterrupted } from './interrupt.js';
import { asSinkError, resultsOf } from './module-results.js';
import type { DeliveryResult, Sink, SinkContext, SinkType } from './sink.js';

/** What a user's module gets besides its options. */
export interface ModuleContext {
  /** The sink's name in the configuration. */
  readonly name: string;
  readonly log: SinkContext['log'];
}

/**
 * What `createSink(options, context)` of a user's module returns. Only `deliver` is required. It gets events of its own,
 * free to change, and returns nothing where all are delivered, or one result an event: `true`, or an object with `error`
 * and perhaps `retryable: false` or `retryAfter` (milliseconds). What it throws fails the whole batch, and is tried
 * again unless it has `retryable: false`.
 */
export interface ModuleSink {
  deliver(events: CanonicalEvent[], context: { readonly signal: AbortSignal }): unknown;
  open?(): unknown;
  check?(): unknown;
  close?(): unknown;
}

export const moduleSink: SinkType = {
  type: 'module',
  async create(options, context) {
    const path = String(options['path']);
    const { name, log } = context;
    const createSink = await importFactory(path);
    try {
      const made: unknown = await createSink(options['options'] ?? {}, { name, log });
      if (!isModuleSink(made)) throw new TypeError('it returned no object with a deliver function');
      return adapt(made, context);
    } catch (cause) {
      throw invalid(`createSink of ${path} failed: ${messageOf(cause)}`, cause);
    }
  },
};

function adapt(sink: ModuleSink, context: SinkContext): Sink {
  return {
    async open() {
      await attempt(() => sink.open?.());
    },
    async deliver(batch, signal): Promise<readonly DeliveryResult[]> {
      // Parsed anew, so that what the module does to an event is not there at the next attempt.
      const events = batch.map(({ json }): CanonicalEvent => JSON.parse(json));
      const deliver = () => attempt(() => sink.deliver(events, { signal }));
      return resultsOf(await orInterrupted(deliver, signal), batch.length);
    },
    async check() {
      await attempt(() => sink.check?.());
    },
    async close() {
      try {
        await sink.close?.();
      } catch (error) {
        // Everything it took is settled, and the others still have to be closed.
        context.log.warn({ sink: context.name, error: messageOf(error) }, 'the sink did not close');
      }
    },
  };
}

async function attempt(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    throw asSinkError(error);
  }
}

type Factory = (options: unknown, context: ModuleContext) => unknown;

async function importFactory(path: string): Promise<Factory> {
  let exported: Record<string, unknown>;
  try {
    exported = await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    throw invalid(`${path} cannot be loaded: ${messageOf(cause)}`, cause);
  }
  const factory = exported['createSink'];
  if (typeof factory !== 'function') {
    throw invalid(`${path} must export a function createSink(options, context)`);
  }
  return (options, context) => factory(options, context);
}

function isModuleSink(value: unknown): value is ModuleSink {
  return (
    typeof value === 'object' &&
    value !== null &&
    'deliver' in value &&
    typeof value.deliver === 'function'
  );
}

function invalid(message: string, cause?: unknown): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', message, { cause });
}
