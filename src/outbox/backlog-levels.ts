import type { SinkLimit } from './limits.js';
import type { OutboxLog } from './outbox.js';

/** Percentages of a sink's limit. A growing backlog is reported once at each. */
const LEVELS = [50, 80, 90, 100];

/** A backlog must fall to this share of a level before reaching the level again is reported. */
const FALL = 0.9;

/** Detects that a backlog approaches its limit, long before it reaches it. */
export class BacklogLevels {
  readonly #levels = new Map<string, number>();

  /**
   * Returns the level that the backlog has risen to, in percent of its limit; undefined if it has reached no new one.
   */
  risenTo(sink: string, pending: number, { maxPending }: SinkLimit): number | undefined {
    const known = this.#levels.get(sink) ?? 0;
    const percent = (pending / maxPending) * 100;
    const level = LEVELS.findLast((each) => each <= percent) ?? 0;
    if (level > known || percent < known * FALL) this.#levels.set(sink, level);
    return level > known ? level : undefined;
  }
}

const AT_LIMIT: Readonly<Record<SinkLimit['full'], string>> = {
  refuse: 'every delivery gets 503',
  'drop-oldest': 'its oldest pending events are discarded',
  'dead-letter': 'its oldest pending events become dead letters',
};

/** Reports to the operator that a backlog has risen to a level. */
export function reportLevel(
  log: OutboxLog,
  sink: string,
  pending: number,
  level: number,
  { full, maxPending }: SinkLimit,
): void {
  const fields = { sink, pending, maxPending, full, percent: level };
  if (level >= 100) {
    const text = `sink ${sink} has reached its limit of ${maxPending} pending events: now ${AT_LIMIT[full]}`;
    if (full === 'refuse') log.error(fields, text);
    else log.warn(fields, text);
    return;
  }
  log.warn(
    fields,
    `sink ${sink} has ${pending} pending events, ${level} % of its limit; at ${maxPending} ${AT_LIMIT[full]}`,
  );
}
