import { startCluster } from '../../test/support/postgres-cluster.js';
import { http, none } from '../kinds/local.js';
import { SINGLE } from '../load/shapes.js';
import { withLoadEverywhere } from '../machine/cores.js';
import { measureTopology, type Topology, type TopologySample } from '../members/topology.js';
import type { Line, Target } from '../report/result.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { alternate } from './alternate.js';
import { CONNECTIONS, countsOf } from './peak.js';
import type { Section } from './section.js';

const SECONDS = 3;
const USERS = 1_000;

/** A row, with the one that it is compared with. */
interface Compared {
  readonly topology: Omit<Topology, 'outbox' | 'server'>;
  readonly isShared: boolean;
  readonly with?: string;
  readonly target?: number;
}

const delivering = http('http, arrays', 'array');
const ROWS: readonly Compared[] = [
  { topology: { name: 'SQLite, no sink', kind: none, roles: [undefined] }, isShared: false },
  {
    topology: { name: 'PostgreSQL, no sink', kind: none, roles: ['all'] },
    isShared: true,
    with: 'SQLite, no sink',
    target: 0.7,
  },
  { topology: { name: 'SQLite, http', kind: delivering, roles: [undefined] }, isShared: false },
  {
    topology: { name: 'PostgreSQL, http', kind: delivering, roles: ['all'] },
    isShared: true,
    with: 'SQLite, http',
    target: 0.7,
  },
  {
    topology: {
      name: '1 receiver, 1 dispatcher',
      kind: delivering,
      roles: ['receive', 'dispatch'],
    },
    isShared: true,
  },
  {
    topology: {
      name: '2 receivers, 2 dispatchers',
      kind: delivering,
      roles: ['receive', 'receive', 'dispatch', 'dispatch'],
    },
    isShared: true,
    with: '1 receiver, 1 dispatcher',
    target: 1.6,
  },
];

/** A store in PostgreSQL beside one in SQLite, and more members beside fewer. Members, store, sink and load share all cores. */
export const members: Section = {
  name: 'members',
  async run(context) {
    const cluster = await startCluster();
    let schema = 0;
    try {
      const { measured, warmUp } = countsOf({ shape: SINGLE }, context.settings);
      const run = { connections: CONNECTIONS.many, seconds: SECONDS, users: USERS };
      const shared = () => ({
        outbox: {
          type: 'postgres',
          url: `postgresql://postgres@127.0.0.1:${cluster.port}/postgres`,
          // A store of its own for each run, so that all begin alike.
          schema: `run_${++schema}`,
        },
        server: cluster.directory,
      });
      const samples = await withLoadEverywhere(() =>
        alternate(
          ROWS.map(({ isShared, topology }) => ({
            name: topology.name,
            measure: () =>
              measureTopology(
                { ...topology, ...(isShared ? shared() : { outbox: {} }) },
                { ...run, warmUp, measured: measured * 3 },
              ),
          })),
          context,
          ({ accepted, delivered }) =>
            `${accepted.toFixed(0)} accepted/s, ${delivered.toFixed(0)} delivered/s`,
        ),
      );
      return ROWS.flatMap((row) => lineOf(row, samples));
    } finally {
      await cluster.dispose();
    }
  },
};

function lineOf(
  { isShared, target, topology, with: other = '' }: Compared,
  samples: ReadonlyMap<string, readonly TopologySample[]>,
): readonly Line[] {
  const { kind, name } = topology;
  const own = samples.get(name) ?? [];
  if (own.length === 0) return [];
  const all = (column: keyof TopologySample, of = own) => of.map((sample) => sample[column]);
  const reference = samples.get(other);
  const targets: readonly Target[] =
    target === undefined ? [] : [{ column: 'ratio', atLeast: target }];
  const figures: Line['figures'] = {
    accepted: spreadOf(all('accepted')),
    ...(reference === undefined
      ? {}
      : { ratio: ratioOf(all('accepted'), all('accepted', reference)) }),
    cpu: spreadOf(all('cpu')),
    ...(isShared ? { postgres: spreadOf(all('store')) } : {}),
    ...(kind === none
      ? {}
      : { delivered: spreadOf(all('delivered')), share: spreadOf(all('share')) }),
    startup: spreadOf(all('startup')),
  };
  return [{ name, figures, targets }];
}
