import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../src/outbox/role.js';
import type { Kind } from '../kinds/kind.js';
import { load } from '../load/load.js';
import { renderRequests } from '../load/requests.js';
import { SINGLE } from '../load/shapes.js';
import { CORES } from '../machine/cores.js';
import { processUse } from '../machine/threads.js';
import { startReceiver } from '../servers/receiver.js';
import type { RunningServer } from '../servers/server.js';

/** Which processes share the work, and on what store. */
export interface Topology {
  readonly name: string;
  readonly kind: Kind;
  /** `outbox` of their configuration. */
  readonly outbox: object;
  /** The role of each process; a receiver on SQLite has none. */
  readonly roles: readonly (Role | undefined)[];
  /** The directory of the PostgreSQL server; absent with SQLite. */
  readonly server?: string;
}

/** What one run measured: per second, and microseconds of CPU time per accepted event. */
export interface TopologySample {
  readonly accepted: number;
  readonly delivered: number;
  readonly share: number;
  /** Of all members. */
  readonly cpu: number;
  /** Of PostgreSQL. */
  readonly store: number;
  readonly startup: number;
}

export interface TopologyLoad {
  readonly connections: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly measured: number;
  readonly users: number;
}

/** Starts the processes, sends to those that receive, and stops them. */
export async function measureTopology(
  { kind, outbox, roles, server }: Topology,
  { connections, measured, seconds, users, warmUp }: TopologyLoad,
): Promise<TopologySample> {
  const opened = await kind.open();
  const members: RunningServer[] = [];
  try {
    for (const role of roles) {
      members.push(
        await startReceiver({
          sinks: opened.sinks,
          outbox,
          cores: CORES.all,
          ...(role === undefined ? {} : { role }),
        }),
      );
    }
    const receivers = members.filter((_, at) => roles[at] !== 'dispatch');
    const send = (count: number, within: number) =>
      Promise.all(
        receivers.map(({ port }) =>
          load({
            port,
            connections: connections / receivers.length,
            seconds: within,
            next: renderRequests(SINGLE, Math.ceil(count / receivers.length), { users }),
          }),
        ),
      );
    const counted = () => opened.count(members[0]?.directory ?? '');
    const postmaster = server === undefined ? undefined : pidOf(server);
    const used = (): readonly [number, number] => [
      members.reduce((sum, { pid }) => sum + processUse(pid).cpu, 0),
      postmaster === undefined ? 0 : processUse(postmaster).cpu,
    ];
    await send(warmUp, 60);
    const [cpuBefore, storeBefore] = used();
    const before = await counted();
    const results = await send(measured, seconds);
    const delivered = (await counted()) - before;
    const [cpu, store] = used();
    const requests = results.reduce((sum, each) => sum + each.requests, 0);
    const took = Math.max(...results.map((each) => each.seconds));
    return {
      accepted: requests / took,
      delivered: delivered / took,
      share: delivered / requests,
      cpu: (cpu - cpuBefore) / requests,
      store: (store - storeBefore) / requests,
      startup: members[0]?.startedIn ?? Number.NaN,
    };
  } finally {
    await Promise.all(members.map((member) => member.stop()));
    await opened.close();
  }
}

/** The first process of a PostgreSQL server. */
function pidOf(directory: string): number {
  return Number.parseInt(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8'), 10);
}
