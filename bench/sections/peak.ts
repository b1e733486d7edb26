import { load } from '../load/load.js';
import { renderRequests } from '../load/requests.js';
import { eventsIn, type Shape } from '../load/shapes.js';
import { residentMegabytes } from '../machine/memory.js';
import { cpuBetween, processUse } from '../machine/threads.js';
import type { Column, Line, Settings } from '../report/result.js';
import type { RunningServer } from '../servers/server.js';
import { ratioOf, type Spread, spreadOf } from '../statistics.js';

/** A run ends after this time even if requests remain, so that a slow server takes no longer than others. */
export const MOST_SECONDS = 4;

/** Connections of the load; fewer where a single request is large, so that each is answered within its budget. */
export const CONNECTIONS = { many: 64, some: 8, few: 2 };

/** What one run at full load measured. */
export type Peak = Readonly<
  Record<'events' | 'cpu' | 'loop' | 'store' | 'other' | 'resident' | 'startup', number>
>;

/** A server under one kind of load. */
export interface PeakSubject {
  readonly name: string;
  readonly shape: Shape;
  /** Divides the number of requests, as a shape's weight does, for a server that is slow. */
  readonly weight?: number;
  readonly users?: number;
  start(): Promise<RunningServer>;
}

/** How many requests of a shape warm a server up, and how many measure it. */
export function countsOf(
  { shape, weight = 1 }: Pick<PeakSubject, 'shape' | 'weight'>,
  { requests }: Settings,
): { readonly warmUp: number; readonly measured: number; readonly connections: number } {
  const share = weight * shape.weight;
  const measured = Math.max(Math.ceil(requests / share), 20);
  return { warmUp: Math.ceil(measured / 3), measured, connections: connectionsFor(shape) };
}

function connectionsFor({ weight }: Shape): number {
  if (weight === 1) return CONNECTIONS.many;
  return weight < 100 ? CONNECTIONS.some : CONNECTIONS.few;
}

/** Starts a server, warms it up, keeps it busy, and stops it. */
export async function measurePeak(subject: PeakSubject, settings: Settings): Promise<Peak> {
  const { shape, users = 1_000 } = subject;
  const { warmUp, measured, connections } = countsOf(subject, settings);
  const requests = (count: number) => renderRequests(shape, count, { users });
  const server = await subject.start();
  try {
    const run = { port: server.port, connections };
    await load({ ...run, seconds: 60, next: requests(warmUp) });
    const next = requests(measured);
    const before = processUse(server.pid);
    const result = await load({ ...run, seconds: MOST_SECONDS, next });
    const cpu = cpuBetween(server.pid, before, processUse(server.pid));
    const events = result.requests * eventsIn(shape);
    return {
      events: events / result.seconds,
      cpu: cpu.total / events,
      loop: cpu.loop / events,
      store: cpu.store / events,
      other: cpu.other / events,
      resident: residentMegabytes(server.pid),
      startup: server.startedIn,
    };
  } finally {
    await server.stop();
  }
}

/** One line of progress. */
export function peakText({ events, cpu }: Peak): string {
  return `${Math.round(events).toLocaleString('en-US')} events/s, ${cpu.toFixed(0)} µs CPU`;
}

/** The figures of some columns over all rounds. */
export function figuresOf(
  samples: readonly Peak[],
  columns: readonly (keyof Peak)[],
): Partial<Record<Column, Spread>> {
  return Object.fromEntries(
    columns.map((column) => [column, spreadOf(samples.map((sample) => sample[column]))]),
  );
}

/** What compares a server with its bare equivalent; nothing if that was not measured. */
export function comparison(
  samples: readonly Peak[],
  bare: readonly Peak[] | undefined,
): Line['figures'] {
  if (bare === undefined) return {};
  const all = (column: keyof Peak, of: readonly Peak[]) => of.map((sample) => sample[column]);
  return {
    bareEvents: spreadOf(all('events', bare)),
    ratio: ratioOf(all('events', samples), all('events', bare)),
    bareCpu: spreadOf(all('cpu', bare)),
    cpuRatio: ratioOf(all('cpu', samples), all('cpu', bare)),
  };
}
