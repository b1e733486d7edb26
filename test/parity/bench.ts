import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { JsonObject } from '../../src/core/json.js';
import type { Vendor } from '../../src/event/event.js';
import { Comparison } from '../../src/parity/comparison.js';
import { buildReport } from '../../src/parity/report/build.js';
import type { FullReport } from '../../src/parity/report/report.js';
import type { ParitySettings, Side } from '../../src/parity/settings.js';
import { openDatabase } from '../../src/parity/store/database.js';

const START = 1_790_000_000_000;

const SETTINGS: ParitySettings = {
  left: 'segment',
  right: 'rudderstack',
  window: 5_000,
  settle: 300_000,
  final: 16_200_000,
  tolerance: 2_000,
  ignore: [],
  compare: { numbers: 'value', times: 'instant', strings: 'exact' },
};

/** A comparison in memory with a clock of its own. */
export class Bench {
  now = START;
  readonly database: DatabaseSyncInstance;
  comparison: Comparison;
  readonly #settings: ParitySettings;
  #ids = 0;

  constructor(settings: Partial<ParitySettings> = {}) {
    this.#settings = { ...SETTINGS, ...settings };
    this.database = openDatabase('');
    this.comparison = new Comparison(this.database, this.#settings, this.now);
  }

  /** Delivers an event now. It was called `ago` milliseconds earlier and has a messageId of its own unless one is given. */
  deliver(side: Side, event: JsonObject, ago = 0): void {
    this.#ids += 1;
    const vendor: Vendor = side === 'left' ? 'segment' : 'rudderstack';
    const call = new Date(this.now - ago).toISOString();
    const canonical: JsonObject = {
      type: 'track',
      messageId: `${side}-${this.#ids}`,
      context: {},
      integrations: {},
      timestamp: call,
      originalTimestamp: call,
      receivedAt: new Date(this.now).toISOString(),
      ...event,
      receipt: { vendor, source: side, authenticated: true },
    };
    this.comparison.arrivals.append([{ side, at: this.now, json: JSON.stringify(canonical) }]);
  }

  both(event: JsonObject, change: JsonObject = {}): void {
    this.deliver('left', event);
    this.deliver('right', { ...event, ...change });
  }

  /** Lets time pass and works off what is due. */
  pass(ms: number): void {
    this.now += ms;
    while (this.comparison.step(this.now));
  }

  /** Lets both sides show that they are alive, and everything before settle. */
  settle(): void {
    this.pass(10_000);
    this.both({ event: 'Alive', userId: 'alive' });
    this.pass(this.#settings.settle + 10_000);
  }

  /** Forgets everything that is not in the store, as a killed process does. */
  restart(): void {
    this.comparison = new Comparison(this.database, this.#settings, this.now);
  }

  report(since = 0): FullReport {
    return buildReport(this.database, this.comparison, { name: 'move', since, until: this.now });
  }

  /** The verdicts without the events that `settle` delivers. */
  verdicts(): Readonly<Record<string, number | undefined>> {
    const { differences, events, late, pending, repeats, ...rest } = this.report();
    const alive = events.find(({ event }) => event === 'Alive')?.both ?? 0;
    const { different, onlyLeft, onlyRight } = rest;
    return { both: rest.both - alive, onlyLeft, onlyRight, different, late, pending, repeats };
  }
}
