import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Cluster, type ClusterOptions, startCluster } from '../../support/postgres-cluster.js';
import { eventually, makeDirectory } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, type Program } from '../program.js';
import type { RecordingSink } from '../recording-sink.js';
import type { RowContext, RowOutcome } from '../row.js';
import { type Load, type LoadOptions, startLoad } from '../senders.js';

export const PARTITIONS = 64;
export const BATCH = 20;
export const LEASE_MS = 3_000;
const USERS = 200;
const EVENTS = 20_000;

/** Just below a power of ten: positions that are compared as text go wrong there. */
const FIRST_POSITION = 9_900;

/** The members of most rows. */
export const TWO_MEMBERS = { 'member-1': 'all', 'member-2': 'all' } as const;

/** Members of one store, their sink, and senders that try again with the same id. */
export class Store {
  readonly ledger = new Ledger(['hook']);
  readonly members = new Map<string, Program>();
  readonly sink: RecordingSink;
  /** The server that is the store now. */
  cluster: Cluster;
  readonly #context: RowContext;
  readonly #ports: readonly number[];
  #load: Load | undefined;

  /** `ports`: those that members are told of; the cluster's unless said. */
  constructor(
    context: RowContext,
    sink: RecordingSink,
    cluster: Cluster,
    ports: readonly number[] = [cluster.port],
  ) {
    this.#context = context;
    this.sink = sink;
    this.cluster = cluster;
    this.#ports = ports;
  }

  /** Starts a member, or starts it again. */
  async start(
    name: string,
    role: 'receive' | 'dispatch' | 'all',
    env: Readonly<Record<string, string>> = {},
  ): Promise<Program> {
    const directory = this.members.get(name)?.directory ?? (await makeDirectory());
    const program = await this.#context.start({
      directory,
      env,
      args: ['--role', role],
      config: {
        outbox: {
          type: 'postgres',
          url: urlOf(this.#ports),
          partitions: PARTITIONS,
          lease: LEASE_MS,
          member: name,
        },
        sinks: {
          hook: {
            ...this.sink.options,
            body: 'array',
            lanes: 4,
            batch: { size: BATCH, wait: '5ms' },
            timeout: '2s',
            retry: { initial: '50ms', max: '500ms', giveUpAfter: '1h' },
          },
        },
      },
    });
    this.members.set(name, program);
    return program;
  }

  /** Runs a statement in the store. */
  async query(text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: urlOf([this.cluster.port]) });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Begins to send to these members, to a random one each time. */
  async send(receivers: readonly string[], load: Partial<LoadOptions> = {}): Promise<void> {
    await this.query(`SELECT setval('trackbridge.position', ${FIRST_POSITION})`);
    this.#load = startLoad(this.#context, {
      ...load,
      ledger: this.ledger,
      url: () => {
        const name = receivers[Math.floor(Math.random() * receivers.length)] ?? '';
        return this.members.get(name)?.url ?? '';
      },
      senders: USERS,
      untilAccepted: true,
    });
  }

  /** Resolves when a row's whole number of events is acknowledged. */
  async acknowledged(): Promise<void> {
    await this.#until(this.#context.events ?? EVENTS);
  }

  /** Resolves when so many more events are acknowledged; fewer where the whole row has fewer. */
  async more(events: number): Promise<void> {
    const part = events / EVENTS;
    await this.#until(this.ledger.acknowledged + part * (this.#context.events ?? EVENTS));
  }

  /** Stops sending, waits until everything acknowledged has arrived, and enters what the sink has taken. */
  async finish(within = 60_000): Promise<void> {
    await this.#load?.stop();
    const acknowledged = this.ledger.acknowledgedIds();
    // Counting is not enough: what was not answered may have arrived instead.
    const missing = (): number => {
      const arrived = new Set(this.sink.taken.map(({ messageId }) => messageId));
      return acknowledged.filter((id) => !arrived.has(id)).length;
    };
    await eventually(missing, (count) => count === 0, within).catch((error: unknown) => {
      this.ledger.problem(`${missing()} had not arrived: ${String(error)}`);
    });
    enterRecorded(this.ledger, 'hook', this.sink);
  }

  /** Has `act` done in the middle of a batch: the sink does not answer for a moment. */
  async midBatch(act: () => unknown): Promise<void> {
    this.sink.behave(() => sleep(200, { status: 200 }));
    await sleep(300);
    await act();
    this.sink.behave(() => ({ status: 200 }));
  }

  /**
   * Sends the rest of a row's events, waits until all have arrived, and works out what came of them. `duplicates`: the most
   * that may have come twice.
   */
  async conclude(duplicates: number, notes: readonly string[] = []): Promise<RowOutcome> {
    await this.acknowledged();
    await this.finish();
    const { duplicated } = this.ledger.outcome();
    const problem = `${duplicated} events came twice; at most ${duplicates} may`;
    this.ledger.expect(duplicated <= duplicates, problem);
    return this.ledger.outcome(notes);
  }

  /** The sum of a statistic over the sinks, from any member. */
  async stats(): Promise<Awaited<ReturnType<Program['stats']>>> {
    for (const member of this.members.values()) {
      const stats = await member.stats().catch(() => undefined);
      if (stats !== undefined) return stats;
    }
    throw new Error('no member answers');
  }

  async #until(acknowledged: number): Promise<void> {
    await eventually(
      () => this.ledger.acknowledged,
      (count) => count >= acknowledged,
      120_000,
    );
  }
}

/** A store on a server of its own, without members. */
export async function openStore(context: RowContext): Promise<Store> {
  return new Store(context, await context.listen(), await serverFor(context));
}

/** Starts these members, by name, and begins to send to those that receive. */
export async function underLoad(
  store: Store,
  members: Readonly<Record<string, 'receive' | 'dispatch' | 'all'>>,
  load: Partial<LoadOptions> = {},
): Promise<Store> {
  const all = Object.entries(members);
  await Promise.all(all.map(([name, role]) => store.start(name, role)));
  const receivers = all.filter(([, role]) => role !== 'dispatch').map(([name]) => name);
  await store.send(receivers, load);
  return store;
}

/** A server that ends with the row. */
export async function serverFor(
  context: Pick<RowContext, 'after'>,
  options: ClusterOptions = {},
): Promise<Cluster> {
  const cluster = await startCluster(options);
  context.after(() => cluster.dispose());
  return cluster;
}

/** The URL of servers of this machine. */
function urlOf(ports: readonly number[]): string {
  return `postgresql://postgres@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/postgres`;
}

/** A random member of several. */
export function anyOf<T>(values: readonly T[]): T {
  const value = values[Math.floor(Math.random() * values.length)];
  if (value === undefined) throw new Error('there is none');
  return value;
}
