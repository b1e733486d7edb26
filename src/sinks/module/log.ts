import { systemClock } from '../../core/clock.js';
import { isObject } from '../../core/json.js';
import { printable } from '../../core/printable.js';
import { RateLimit } from '../../core/rate-limit.js';
import type { Level, LogNote } from './messages.js';

const LONGEST_MESSAGE = 500;
const MOST_FIELDS = 4_096;
/** A module that logs in a loop must not fill the receiver's log. */
const LINES = { perSecond: 50, burst: 200 };

type Line = (fields: unknown, message?: unknown) => void;

/** The methods of `context.log`: pino's, for writing lines. */
export type ModuleLog = Readonly<
  Record<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', Line>
>;

/**
 * Creates a log whose lines are sent to the receiver as notes. A line is `(fields, message)`, `(message)` or `(error)`.
 */
export function createModuleLog(say: (note: LogNote) => void): ModuleLog {
  const limit = new RateLimit(LINES, systemClock);
  let dropped = 0;
  const at =
    (level: Level): Line =>
    (first, second) => {
      if (limit.take() > 0) {
        dropped++;
        return;
      }
      const fields = typeof first === 'string' ? {} : plain(first);
      const message = typeof first === 'string' ? first : second;
      const more = dropped === 0 ? {} : { droppedLines: dropped };
      dropped = 0;
      say({ level, fields: { ...fields, ...more }, message: textOf(message) });
    };
  return {
    trace: at('debug'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('error'),
  };
}

/** Converts fields to JSON values, so that they can be sent to another process; an Error to its message. */
function plain(fields: unknown): Readonly<Record<string, unknown>> {
  try {
    const json = JSON.stringify(
      fields instanceof Error ? { err: fields } : fields,
      errorsByMessage,
    );
    if (json === undefined || json.length > MOST_FIELDS) return { fields: 'omitted: too large' };
    const parsed: unknown = JSON.parse(json);
    return isObject(parsed) ? parsed : { value: parsed };
  } catch {
    return { fields: 'omitted: not JSON' };
  }
}

function errorsByMessage(_key: string, value: unknown): unknown {
  return value instanceof Error ? { type: value.name, message: value.message } : value;
}

function textOf(message: unknown): string {
  return message === undefined ? '' : printable(String(message), LONGEST_MESSAGE);
}
