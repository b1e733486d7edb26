import type { JsonObject } from '../../../src/core/json.js';
import { Comparison } from '../../../src/parity/comparison.js';
import { buildReport } from '../../../src/parity/report/build.js';
import type { ParitySettings, Side } from '../../../src/parity/settings.js';
import { openDatabase } from '../../../src/parity/store/database.js';
import { Random } from './random.js';
import { type Call, type Delivery, type Fate, type TrafficOptions, traffic } from './stream.js';

const SETTINGS: ParitySettings = {
  left: 'left',
  right: 'right',
  window: 5_000,
  settle: 300_000,
  final: 16_200_000,
  tolerance: 2_000,
  ignore: [],
  compare: { numbers: 'value', times: 'instant', strings: 'exact' },
};

/** How a count of verdicts compares with the truth. */
interface Score {
  readonly what: string;
  readonly truth: number;
  readonly found: number;
  /** The share of found verdicts that are right, and of true ones that are found. By counts: swaps do not show. */
  readonly precision: number;
  readonly recall: number;
}

export interface Measured {
  readonly scores: readonly Score[];
  readonly calls: number;
  /** Bytes of memory at the most. */
  readonly memory: number;
}

/** What each change must be reported as. */
const CHANGES: Readonly<Partial<Record<Fate, readonly [path: string, cause: string | undefined]>>> =
  {
    value: ['/properties/sku', undefined],
    type: ['/properties/quantity', 'one side sends a number as text'],
    missing: ['/properties/coupon', 'the call of the right side does not set it'],
    extra: ['/properties/added', 'the call of the left side does not set it'],
    precision: ['/properties/price', 'one side rounds the number'],
  };

/** Plays traffic with known faults through a comparison. `path`: the file of its store, '' for one in memory. */
export function measure(seed: number, options: TrafficOptions, path = ''): Measured {
  const database = openDatabase(path);
  const comparison = new Comparison(database, SETTINGS, options.start);
  const truth = new Map<string, number>();
  const add = (what: string, events = 1): void =>
    void truth.set(what, (truth.get(what) ?? 0) + events);
  const waiting: Delivery[] = [];
  let memory = 0;
  let now = options.start;
  const deliver = (until: number): void => {
    waiting.sort((a, b) => a.at - b.at);
    const due = waiting.findIndex(({ at }) => at > until);
    const batch = waiting.splice(0, due === -1 ? waiting.length : due);
    comparison.arrivals.append(
      batch.map(({ at, event, side }) => ({ at, side, json: jsonOf(event, side, at) })),
    );
    now = until;
    while (comparison.step(now));
    memory = Math.max(memory, process.memoryUsage().rss);
  };
  let calls = 0;
  let last = options.start;
  for (const call of traffic(new Random(seed), options)) {
    calls += 1;
    note(call, add);
    waiting.push(...call.deliveries);
    last = Math.min(...call.deliveries.map(({ at }) => at), Number.MAX_SAFE_INTEGER);
    if (waiting.length > 400 && last < Number.MAX_SAFE_INTEGER) deliver(last - 1_000);
  }
  const end = Math.max(now, ...waiting.map(({ at }) => at)) + 60_000;
  for (const [side, at] of [
    ['left', end],
    ['right', end],
  ] as const) {
    waiting.push({
      side,
      at,
      event: {
        ...ALIVE,
        messageId: `alive-${side}`,
        originalTimestamp: iso(at),
        timestamp: iso(at),
      },
    });
  }
  for (const later of [0, 310_000, 310_000, 310_000]) deliver(Math.max(now, end) + later);
  const report = buildReport(database, comparison, { name: 'truth', since: 0, until: now });
  const differing = (fate: Fate, withCause: boolean): number =>
    report.differences
      .filter(
        ({ cause, kind, path: at }) =>
          kind === fate &&
          at === CHANGES[fate]?.[0] &&
          (!withCause || cause === CHANGES[fate]?.[1]),
      )
      .reduce((sum, { events }) => sum + events, 0);
  const found: Record<string, number> = {
    both: report.both - 1,
    onlyLeft: report.onlyLeft,
    onlyRight: report.onlyRight,
    repeats: report.repeats,
    different: report.different,
  };
  for (const fate of Object.keys(CHANGES) as Fate[]) {
    found[`difference: ${fate}`] = differing(fate, false);
    if (CHANGES[fate]?.[1] !== undefined) found[`cause: ${fate}`] = differing(fate, true);
  }
  const scores = Object.entries(found).map(([what, count]) =>
    scoreOf(what, truth.get(what) ?? 0, count),
  );
  return { scores, calls, memory };
}

function note({ deliveries, fate }: Call, add: (what: string, events?: number) => void): void {
  const of = (side: Side): number => deliveries.filter((each) => each.side === side).length;
  add('repeats', Math.max(0, of('left') - 1) + Math.max(0, of('right') - 1));
  if (fate === 'lostRight') add('onlyLeft');
  else if (fate === 'lostLeft') add('onlyRight');
  else add('both');
  if (fate === 'equal' || fate === 'lostLeft' || fate === 'lostRight') return;
  add('different');
  add(`difference: ${fate}`);
  if (CHANGES[fate]?.[1] !== undefined) add(`cause: ${fate}`);
}

function scoreOf(what: string, truth: number, found: number): Score {
  const right = Math.min(truth, found);
  return {
    what,
    truth,
    found,
    precision: found === 0 ? 1 : right / found,
    recall: truth === 0 ? 1 : right / truth,
  };
}

const ALIVE: JsonObject = {
  type: 'track',
  event: 'Alive',
  userId: 'alive',
  context: {},
  integrations: {},
};

function jsonOf(event: JsonObject, side: Side, at: number): string {
  const vendor = side === 'left' ? 'segment' : 'rudderstack';
  return JSON.stringify({ ...event, receivedAt: iso(at), receipt: { vendor, source: side } });
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
