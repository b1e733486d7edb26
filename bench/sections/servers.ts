import { load } from '../load/load.js';
import { renderRequests } from '../load/requests.js';
import { SINGLE } from '../load/shapes.js';
import type { Line } from '../report/result.js';
import { startBare, startExpress, startFastify } from '../servers/by-hand.js';
import { startReceiver } from '../servers/receiver.js';
import { startWebhook, webhookVersion } from '../servers/webhook.js';
import { median, percentile, ratioOf, spreadOf } from '../statistics.js';
import { alternate } from './alternate.js';
import {
  countsOf,
  figuresOf,
  MOST_SECONDS,
  measurePeak,
  type PeakSubject,
  peakText,
} from './peak.js';
import type { Section, SectionContext } from './section.js';

const BARE = 'bare node:http';

/** Every server that the first table has, in its order. */
const SERVERS: readonly PeakSubject[] = [
  { name: BARE, shape: SINGLE, start: () => startBare() },
  { name: 'Trackbridge', shape: SINGLE, start: () => startReceiver() },
  { name: 'Fastify, same store', shape: SINGLE, start: () => startFastify() },
  { name: 'Express, the usual way', shape: SINGLE, weight: 4, start: () => startExpress() },
];

const TARGETS: Readonly<Record<string, Line['targets']>> = {
  Trackbridge: [
    { column: 'ratio', atLeast: 0.75 },
    { column: 'p99', atMost: 25 },
  ],
};

/** Percentiles of the latency at a fixed rate. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Servers on one core, one signed event of 1.2 kB per request: highest rate, CPU, and latency at half of that rate. */
export const servers: Section = {
  name: 'servers',
  async run(context) {
    const subjects = [...SERVERS, ...webhook(context)];
    const { settings } = context;
    const peaks = await alternate(
      subjects.map((subject) => ({
        name: subject.name,
        measure: () => measurePeak(subject, settings),
      })),
      context,
      peakText,
    );
    const measured = subjects.filter(({ name }) => peaks.has(name));
    const rateOf = (name: string): number =>
      median(peaks.get(name)?.map(({ events }) => events) ?? []) / 2;
    const latencies = await alternate(
      measured.map((subject) => ({
        name: subject.name,
        measure: () => measureLatency(subject, rateOf(subject.name), context),
      })),
      context,
      ({ p50, p99, p999 }) =>
        `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, p99.9 ${p999.toFixed(1)} ms`,
    );
    const bare = peaks.get(BARE);
    return measured.map(({ name }): Line => {
      const samples = peaks.get(name) ?? [];
      const latency = latencies.get(name) ?? [];
      const events = samples.map((sample) => sample.events);
      return {
        name,
        figures: {
          ...figuresOf(samples, ['events', 'cpu', 'loop', 'store', 'other', 'resident']),
          ...(bare && name !== BARE
            ? {
                ratio: ratioOf(
                  events,
                  bare.map((sample) => sample.events),
                ),
              }
            : {}),
          halfLoad: spreadOf([rateOf(name)]),
          p50: spreadOf(latency.map(({ p50 }) => p50)),
          p99: spreadOf(latency.map(({ p99 }) => p99)),
          p999: spreadOf(latency.map(({ p999 }) => p999)),
        },
        ...(TARGETS[name] === undefined ? {} : { targets: TARGETS[name] }),
      };
    });
  },
};

function webhook(context: SectionContext): readonly PeakSubject[] {
  const version = webhookVersion();
  if (version !== undefined) {
    const name = `Debian’s webhook ${version}, running a script`;
    return [{ name, shape: SINGLE, weight: 20, start: startWebhook }];
  }
  context.note('Debian’s `webhook` is absent from this table because it was not installed.');
  return [];
}

async function measureLatency(
  subject: PeakSubject,
  perSecond: number,
  { settings }: SectionContext,
): Promise<Latency> {
  const { warmUp, measured, connections } = countsOf(subject, settings);
  const server = await subject.start();
  try {
    const run = { port: server.port, connections };
    await load({ ...run, seconds: 60, next: renderRequests(SINGLE, warmUp) });
    const next = renderRequests(SINGLE, measured);
    const { latencies } = await load({ ...run, seconds: MOST_SECONDS, perSecond, next });
    const at = (share: number): number => percentile(latencies, share);
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
  } finally {
    await server.stop();
  }
}
