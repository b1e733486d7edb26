import { setTimeout as sleep } from 'node:timers/promises';
import type { Kind } from '../kinds/kind.js';
import { file, http, none } from '../kinds/local.js';
import { nats, postgres, redis } from '../kinds/servers.js';
import { load } from '../load/load.js';
import { renderRequests } from '../load/requests.js';
import { SINGLE } from '../load/shapes.js';
import { CORES } from '../machine/cores.js';
import { cpuBetween, processUse } from '../machine/threads.js';
import type { Line, Target } from '../report/result.js';
import { startReceiver } from '../servers/receiver.js';
import type { RunningServer } from '../servers/server.js';
import { ratioOf, spreadOf } from '../statistics.js';
import { alternate } from './alternate.js';
import { CONNECTIONS, countsOf } from './peak.js';
import type { Section } from './section.js';

const SECONDS = 3;
const USERS = [8, 1_000];
/** The rate of the calmer run, as a share of the highest. */
const CALM = 0.8;
/** How long the sink may take for what the warm-up left, in milliseconds. */
const PATIENCE = 5_000;

interface Sample {
  readonly accepted: number;
  readonly delivered: number;
  readonly share: number;
  readonly cpu: number;
}

const KINDS: readonly Kind[] = [
  file,
  postgres,
  nats,
  redis,
  http('http, arrays', 'array'),
  http('http, single events', 'event'),
];

/** Accepting and dispatching at the same time, on all cores; delivered events are counted at the sink. */
export const dispatch: Section = {
  name: 'dispatch',
  async run(context) {
    /** By kind and users, the rate of this round at saturation. */
    const highest = new Map<string, number>();
    const measure = (kind: Kind, users: number, perSecond?: number) =>
      measureKind(kind, users, countsOf({ shape: SINGLE }, context.settings), perSecond);
    const subjects = USERS.flatMap((users) =>
      [none, ...KINDS].flatMap((kind) => {
        const name = nameOf(kind, users);
        const saturated = {
          name: `${name}, saturated`,
          async measure() {
            const sample = await measure(kind, users);
            highest.set(name, sample.accepted);
            return sample;
          },
        };
        const calm = {
          name: `${name}, at 80 %`,
          measure: () => measure(kind, users, (highest.get(name) ?? Number.NaN) * CALM),
        };
        return kind === none ? [saturated] : [saturated, calm];
      }),
    );
    const samples = await alternate(
      subjects,
      context,
      ({ accepted, delivered }) =>
        `${accepted.toFixed(0)} accepted/s, ${delivered.toFixed(0)} delivered/s`,
    );
    const all = (name: string, column: keyof Sample): readonly number[] =>
      (samples.get(name) ?? []).map((sample) => sample[column]);
    return subjects.flatMap(({ name }): Line[] => {
      if (!samples.has(name)) return [];
      const [, users = ''] = / with (\d+) users/.exec(name) ?? [];
      const without = all(`${nameOf(none, Number(users))}, saturated`, 'accepted');
      const hasSink = !name.startsWith(none.name);
      const isSaturated = name.endsWith('saturated');
      const targets: Target[] = [
        ...(hasSink && !isSaturated ? [{ column: 'share', atLeast: 0.95 } as const] : []),
        ...(isSaturated && name.startsWith('file')
          ? [{ column: 'ratio', atLeast: 0.85 } as const]
          : []),
      ];
      const figures: Line['figures'] = {
        accepted: spreadOf(all(name, 'accepted')),
        cpu: spreadOf(all(name, 'cpu')),
        ...(isSaturated && hasSink && without.length > 0
          ? { ratio: ratioOf(all(name, 'accepted'), without) }
          : {}),
        ...(hasSink
          ? {
              delivered: spreadOf(all(name, 'delivered')),
              share: spreadOf(all(name, 'share')),
            }
          : {}),
      };
      return [{ name, figures, targets }];
    });
  },
};

function nameOf({ name }: Kind, users: number): string {
  return `${name} with ${users} users`;
}

async function measureKind(
  kind: Kind,
  users: number,
  { warmUp, measured }: ReturnType<typeof countsOf>,
  perSecond?: number,
): Promise<Sample> {
  const opened = await kind.open();
  let server: RunningServer | undefined;
  try {
    server = await startReceiver({ sinks: opened.sinks, cores: CORES.all });
    const { directory, pid, port } = server;
    const run = { port, connections: CONNECTIONS.many };
    await load({ ...run, seconds: 60, next: renderRequests(SINGLE, warmUp, { users }) });
    if (kind !== none) await arrival(() => opened.count(directory), warmUp);
    const next = renderRequests(SINGLE, measured * 3, { users });
    const before = { events: await opened.count(directory), use: processUse(pid) };
    const rate = perSecond === undefined ? {} : { perSecond };
    const { requests, seconds } = await load({ ...run, ...rate, seconds: SECONDS, next });
    const cpu = cpuBetween(pid, before.use, processUse(pid));
    const delivered = (await opened.count(directory)) - before.events;
    return {
      accepted: requests / seconds,
      delivered: delivered / seconds,
      share: delivered / requests,
      cpu: cpu.total / requests,
    };
  } finally {
    await server?.stop();
    await opened.close();
  }
}

/** Waits until so many events have arrived, but not for long: a sink that is slow is what this section shows. */
async function arrival(count: () => Promise<number>, events: number): Promise<void> {
  const until = performance.now() + PATIENCE;
  while ((await count()) < events && performance.now() < until) await sleep(50);
}
