import { pathToFileURL } from 'node:url';
import { serve } from '../../core/child/serve.js';
import { systemClock, withinTime } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import { errorText } from '../error-text.js';
import { applyTransform, type Transform } from './apply.js';
import type { LoadReply, LoadRequest, Result, RunPart, RunRequest } from './messages.js';

/** The entry point of the process that runs a transform. */

/**
 * The longest time in milliseconds that results are held back while the transform runs. They also show that the process
 * is alive.
 */
const KEPT_BACK = 50;

/** Characters of results after which the rest of a request is left for the next. */
const MOST_RESULTS = 4 * 1024 * 1024;

let transform: Transform | undefined;
let timeout = 0;

async function load(request: LoadRequest): Promise<LoadReply> {
  timeout = request.timeout;
  try {
    const module = await import(pathToFileURL(request.path).href);
    if (typeof module.transform !== 'function') {
      return 'exports no function "transform"; write: export function transform(event)';
    }
    transform = module.transform;
    return null;
  } catch (error) {
    return `cannot be loaded: ${errorText(messageOf(error).split('\n', 1)[0] ?? '')}`;
  }
}

/** Never rejects. Returns a promise only if the transform does. */
function resultOf(run: Transform, json: string): Result | Promise<Result> {
  try {
    const texts = applyTransform(run, json);
    if (!('then' in texts)) return packed(texts);
    const late = (): Result => ({ error: `took longer than ${timeout} ms`, late: true });
    return withinTime(texts.then(packed), timeout, systemClock, late).catch(failed);
  } catch (error) {
    return failed(error);
  }
}

function packed(texts: readonly string[]): Result {
  const [only] = texts;
  return texts.length === 1 && only !== undefined ? only : texts;
}

function failed(error: unknown): Result {
  return { error: errorText(messageOf(error)) };
}

function sizeOf(result: Result): number {
  if (typeof result === 'string') return result.length;
  return 'error' in result ? 0 : result.reduce((sum, text) => sum + text.length, 0);
}

serve({
  handlers: {
    load: (request) => load(request as LoadRequest),
    run: async (request, { item, part }) => {
      const texts = request as RunRequest;
      const promises: Promise<void>[] = [];
      let results: (Result | null)[] = [];
      let from = 0;
      let ran = 0;
      let size = 0;
      let saidAt = systemClock.monotonic();
      const say = (more: Partial<RunPart> = {}): void => {
        part({ from, results, ...more } satisfies RunPart);
        from = ran;
        results = [];
        saidAt = systemClock.monotonic();
      };
      for (const json of texts) {
        if (size > MOST_RESULTS) break;
        const at = ran;
        const result = item(at, () => resultOf(transform as Transform, json));
        ran += 1;
        if (result instanceof Promise) {
          results.push(null);
          promises.push(result.then((late) => part({ from: at, results: [late] })));
        } else {
          results.push(result);
          size += sizeOf(result);
        }
        if (systemClock.monotonic() - saidAt >= KEPT_BACK) say();
      }
      say({ ran });
      await Promise.all(promises);
      return null;
    },
  },
});
