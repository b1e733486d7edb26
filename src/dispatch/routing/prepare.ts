import { turn } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { SinkEvent } from '../../sinks/sink.js';
import { errorText } from '../error-text.js';
import type { Transformed, TransformRunner } from '../transform/runner.js';
import { type Format, toSinkEvent } from './format.js';
import type { Wanted } from './where.js';

/** What a claimed event becomes. */
export type Prepared =
  | { readonly kind: 'send'; readonly events: readonly SinkEvent[] }
  | { readonly kind: 'skip' }
  /** A retry would fail the same way. */
  | { readonly kind: 'fail'; readonly error: string }
  /** Its transform did not return. `crashed`: this event is the cause. */
  | { readonly kind: 'lost'; readonly error: string; readonly crashed: boolean };

/**
 * Filter, transform and format: everything between a claim and the first attempt. Resolves to one result per text, or
 * to fewer: to those up to the first lost one, or to as many as are enough for now. Never rejects.
 */
export type Prepare = (texts: readonly string[]) => Promise<readonly Prepared[]>;

export interface PrepareOptions {
  readonly wanted: Wanted | undefined;
  readonly transform: TransformRunner | undefined;
  readonly format: Format;
}

/** Characters to parse before answers and timers get their turn: about a millisecond of work. */
const AT_A_STRETCH = 128 * 1024;

export function createPrepare({ wanted, transform, format }: PrepareOptions): Prepare {
  return async (texts) => {
    const sifted = await sift(texts, wanted, format);
    if (transform === undefined) return sifted;
    const chosen = texts.filter((_, at) => sifted[at]?.kind === 'send');
    const transformed = await transform.run(chosen);
    const prepared: Prepared[] = [];
    let next = 0;
    for (const each of sifted) {
      if (each.kind !== 'send') {
        prepared.push(each);
        continue;
      }
      const made = transformed[next++];
      if (made === undefined) break;
      prepared.push(preparedOf(made, format));
    }
    return prepared;
  };
}

async function sift(
  texts: readonly string[],
  wanted: Wanted | undefined,
  format: Format,
): Promise<readonly Prepared[]> {
  const sifted: Prepared[] = [];
  let parsed = 0;
  for (const json of texts) {
    const event = toSinkEvent(json, format);
    sifted.push(wanted === undefined ? { kind: 'send', events: [event] } : judged(event, wanted));
    parsed += wanted === undefined ? 0 : json.length;
    if (parsed >= AT_A_STRETCH) {
      parsed = 0;
      await turn();
    }
  }
  return sifted;
}

function judged(event: SinkEvent, wanted: Wanted): Prepared {
  try {
    return wanted(event.event) ? { kind: 'send', events: [event] } : { kind: 'skip' };
  } catch (error) {
    return { kind: 'fail', error: errorText(`the event cannot be read: ${messageOf(error)}`) };
  }
}

function preparedOf(made: Transformed, format: Format): Prepared {
  if (made.kind === 'lost') {
    return { ...made, error: errorText(`the transform ${made.error}`) };
  }
  if (made.kind === 'failed') {
    return { kind: 'fail', error: errorText(`the transform failed: ${made.error}`) };
  }
  if (made.texts.length === 0) return { kind: 'skip' };
  return { kind: 'send', events: made.texts.map((text) => toSinkEvent(text, format)) };
}
