import type { ParityConfig } from '../config/config.js';
import { type Clock, withinTime } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { NewEvent } from '../outbox/intake.js';
import type { FullReport } from './report/report.js';
import type { Side } from './settings.js';
import { type ParityThread, startParityThread } from './thread/client.js';
import type { ArrivalMessage, ParityState } from './thread/messages.js';

/** Characters of events that wait to be recorded. Beyond them events are not compared, and a gap says so. */
const MOST_WAITING = 32 * 1024 * 1024;
/** An answer waits no longer for the recording than this, in milliseconds. */
const RECORDED_WITHIN = 1_000;
/** The pause before a thread that has ended is replaced, in milliseconds. */
const REPLACED_AFTER = 5_000;
/** How long each step of closing may take, in milliseconds. */
const CLOSED_WITHIN = 1_500;

export interface ParityDeps {
  readonly comparisons: Readonly<Record<string, ParityConfig>>;
  /** The file of the outbox, beside which the comparisons have theirs; '' without a file. */
  readonly outboxPath: string;
  readonly clock: Clock;
  readonly log: {
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

/** The comparisons of a receiver. */
export interface Parity {
  readonly names: readonly string[];
  /** Opens the stores. Rejects with START_FAILED. */
  open(): Promise<void>;
  /**
   * Records accepted events, duplicates included, as far as a comparison wants them. Resolves when they survive the end
   * of the process. Never rejects: a comparison never costs an event. What is not recorded becomes a gap.
   */
  record(events: readonly NewEvent[]): Promise<void>;
  /** Returns the report of a comparison; undefined if there is none of that name. Times are ms since the epoch. */
  report(name: string, since: number, until: number): Promise<FullReport | undefined>;
  states(): Promise<readonly ParityState[]>;
  close(): Promise<void>;
}

/** Creates the comparisons of a configuration. Nothing runs before `open`. */
export function createParity(deps: ParityDeps): Parity {
  const { clock, comparisons, log } = deps;
  const names = Object.keys(comparisons);
  const sides = sidesOf(comparisons);
  let thread: ParityThread | undefined;
  let waiting: ArrivalMessage[] = [];
  let waitingSize = 0;
  let sending: Promise<void> | undefined;
  let gapSince: number | undefined;
  const closing = new AbortController();

  const start = async (): Promise<void> => {
    const started = startParityThread(
      {
        comparisons: Object.entries(comparisons).map(([name, settings]) => ({
          name,
          settings,
          path: deps.outboxPath === '' ? '' : `${deps.outboxPath}.parity-${name}`,
        })),
      },
      (reason) => log.warn({ reason }, 'a comparison failed; it is tried again'),
    );
    await started.started;
    thread = started;
    void started.ended.then(replace);
    await closeGap();
  };

  /** Starts another thread after the end of one, and so on. Events in between are a gap. */
  const replace = async (): Promise<void> => {
    thread = undefined;
    gapSince ??= clock.now();
    while (!closing.signal.aborted && thread === undefined) {
      log.error({}, 'the thread of the comparisons has ended; another one starts');
      await clock.sleep(REPLACED_AFTER, closing.signal);
      if (closing.signal.aborted) return;
      await start().catch((error: unknown) =>
        log.error({ err: error }, 'the comparisons did not start'),
      );
    }
  };

  /** Tells the store about the time in which nothing was recorded. */
  const closeGap = async (): Promise<void> => {
    if (gapSince === undefined || thread === undefined) return;
    const from = gapSince;
    const to = clock.now();
    await thread.call({ kind: 'gap', gap: { from, to } });
    gapSince = undefined;
    log.warn({ from, to }, 'a comparison misses events of this time; they are not compared');
  };

  /** Sends what waits, all in one message, until nothing does: one commit for many deliveries. */
  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      const events = waiting;
      waiting = [];
      waitingSize = 0;
      try {
        if (thread === undefined) throw new TypeError('the comparisons are not running');
        await thread.call({ kind: 'arrivals', events });
        await closeGap();
      } catch (error) {
        gapSince ??= events[0]?.[2] ?? clock.now();
        log.warn({ reason: messageOf(error) }, 'events were not recorded for a comparison');
      }
    }
  };

  return {
    names,
    open: start,
    async record(events) {
      const own = events.flatMap((event) => arrivalsOf(event, sides));
      if (own.length === 0) return;
      const size = own.reduce((sum, [, , , json]) => sum + json.length, 0);
      if (waitingSize + size > MOST_WAITING) {
        gapSince ??= own[0]?.[2] ?? clock.now();
        return;
      }
      waitingSize += size;
      for (const each of own) waiting.push(each);
      // What is sent now was complete before these events came, so they need the next message as well.
      const mine = (sending ?? Promise.resolve()).then(() => {
        if (sending === undefined && waiting.length > 0) {
          sending = send().finally(() => {
            sending = undefined;
          });
        }
        return sending;
      });
      await withinTime(mine, RECORDED_WITHIN, clock, () => undefined);
    },
    async report(name, since, until) {
      if (!names.includes(name) || thread === undefined) return undefined;
      const report = await thread.call({ kind: 'report', request: { name, since, until } });
      return (report as FullReport | null) ?? undefined;
    },
    async states() {
      return thread === undefined
        ? []
        : ((await thread.call({ kind: 'states' })) as readonly ParityState[]);
    },
    async close() {
      closing.abort();
      const open = thread;
      if (open === undefined) return;
      await withinTime(sending ?? Promise.resolve(), CLOSED_WITHIN, clock, () => undefined);
      await withinTime(open.call({ kind: 'close' }), CLOSED_WITHIN, clock, () => undefined).catch(
        (error: unknown) => log.warn({ err: error }, 'a comparison was not closed cleanly'),
      );
      await withinTime(open.end(), CLOSED_WITHIN, clock, () => undefined);
    },
  };
}

type SidesOf = ReadonlyMap<string, readonly (readonly [comparison: number, side: Side])[]>;

/** Returns which sides of which comparisons a source is. */
function sidesOf(comparisons: ParityDeps['comparisons']): SidesOf {
  const sides = new Map<string, (readonly [number, Side])[]>();
  for (const [index, { left, right }] of Object.values(comparisons).entries()) {
    for (const [source, side] of [
      [left, 'left'],
      [right, 'right'],
    ] as const) {
      sides.set(source, [...(sides.get(source) ?? []), [index, side]]);
    }
  }
  return sides;
}

function arrivalsOf({ json, receivedAt }: NewEvent, sides: SidesOf): ArrivalMessage[] {
  const source = sourceIn(json);
  const of = source === undefined ? undefined : sides.get(source);
  return of?.map(([index, side]) => [index, side, receivedAt, json] as const) ?? [];
}

const RECEIPT = ',"receipt":{"deliveryId":"';
const SOURCE = '"source":"';

/**
 * Returns the source of a canonical event without parsing all of it. The receipt is the last member of an event that was
 * received, and names of sources need no escapes.
 */
function sourceIn(json: string): string | undefined {
  const receipt = json.lastIndexOf(RECEIPT);
  const from = receipt === -1 ? -1 : json.indexOf(SOURCE, receipt);
  if (from === -1) return undefined;
  const start = from + SOURCE.length;
  return json.slice(start, json.indexOf('"', start));
}
