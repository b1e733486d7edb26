import type { SinkConfig } from '../../src/config/config.js';
import { createDispatcher, type Dispatcher } from '../../src/dispatch/dispatcher.js';
import type { SinkSpec } from '../../src/dispatch/sink-runner.js';
import type { Transform } from '../../src/dispatch/transform/apply.js';
import type { Sink } from '../../src/sinks/sink.js';
import { observed } from '../support/observations.js';
import { FakeClock } from './fake-clock.js';
import { type FakeConsumer, FakeOutbox } from './fake-outbox.js';
import { aConfig } from './fakes.js';
import { inProcess } from './transform/in-process.js';

interface Counted {
  readonly attempts: Record<string, number>;
  deadLetters: number;
  filtered: number;
  /** How often a circuit opened. */
  openings: number;
  readonly warnings: string[];
  /** Every line above debug with its fields, but for warnings. */
  readonly infos: { readonly message: string; readonly [field: string]: unknown }[];
  /** Every warning with its fields, as one text. */
  readonly logged: string[];
}

export interface Running {
  readonly clock: FakeClock;
  readonly outbox: FakeOutbox;
  readonly dispatcher: Dispatcher;
  readonly counted: Counted;
  /** The consumer of the sink, by default of the only one. */
  consumer(name?: string): FakeConsumer;
}

interface Setup {
  readonly config?: Partial<SinkConfig>;
  readonly transform?: Transform;
  readonly random?: () => number;
  readonly memory?: number;
}

/** A dispatcher over one sink named `main`, not started. The random number is 0.999..., so waits are the longest. */
export function withSink(sink: Sink, setup: Setup = {}): Running {
  const { config, transform, ...more } = setup;
  const spec = { name: 'main', config: aConfig(config), sink };
  if (transform === undefined) return withSinks([spec], more);
  return withSinks([{ ...spec, transform: inProcess(transform) }], more);
}

export function withSinks(
  sinks: readonly SinkSpec[],
  { random = () => 1 - 2 ** -30, memory = 1_000_000 }: Pick<Setup, 'random' | 'memory'> = {},
): Running {
  const clock = new FakeClock();
  const outbox = new FakeOutbox();
  for (const { name } of sinks) outbox.of(name);
  const counted: Counted = {
    attempts: {},
    deadLetters: 0,
    filtered: 0,
    openings: 0,
    warnings: [],
    infos: [],
    logged: [],
  };
  const observations = observed();
  observations.attempted.subscribe(({ sink, counts }) => {
    for (const [outcome, events] of Object.entries(counts)) {
      const key = `${sink} ${outcome}`;
      if (events > 0) counted.attempts[key] = (counted.attempts[key] ?? 0) + events;
    }
  });
  observations.settled.subscribe(({ dead, filtered }) => {
    counted.deadLetters += dead;
    counted.filtered += filtered;
  });
  observations.circuitOpened.subscribe(() => {
    counted.openings++;
  });
  const dispatcher = createDispatcher({
    outbox: outbox.asOutbox(),
    sinks,
    clock,
    random,
    memory,
    log: {
      debug: () => undefined,
      info: (fields, message) => {
        counted.infos.push({ ...fields, message });
      },
      warn: (fields, message) => {
        counted.warnings.push(message);
        counted.logged.push(JSON.stringify({ ...fields, message }));
      },
    },
    observations,
  });
  return { clock, outbox, dispatcher, counted, consumer: (name = 'main') => outbox.of(name) };
}
