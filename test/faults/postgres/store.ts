import pg from 'pg';
import { type Cluster, startCluster } from '../../support/postgres-cluster.js';
import { eventually, makeDirectory } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, type Program } from '../program.js';
import type { RecordingSink } from '../recording-sink.js';
import type { RowContext } from '../row.js';
import { type Load, startLoad } from '../senders.js';

export const PARTITIONS = 64;
export const BATCH = 20;
export const LEASE_MS = 3_000;
const USERS = 200;
const EVENTS = 20_000;

/** Just below a power of ten: positions that are compared as text go wrong there. */
const FIRST_POSITION = 9_900;

/** Members of one store, their sink, and senders that try again with the same id. */
export class Store {
  readonly ledger = new Ledger(['hook']);
  readonly members = new Map<string, Program>();
  readonly sink: RecordingSink;
  readonly #context: RowContext;
  readonly #url: string;
  #load: Load | undefined;

  constructor(context: RowContext, sink: RecordingSink, url: string) {
    this.#context = context;
    this.sink = sink;
    this.#url = url;
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
          url: this.#url,
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
    const client = new pg.Client({ connectionString: this.#url.replace(/,[^/]*/, '') });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Begins to send to the receivers among these members, to a random one each time. */
  async send(receivers: readonly string[]): Promise<void> {
    await this.query(`SELECT setval('trackbridge.position', ${FIRST_POSITION})`);
    this.#load = startLoad(this.#context, {
      ledger: this.ledger,
      url: () => {
        const name = receivers[Math.floor(Math.random() * receivers.length)] ?? '';
        return this.members.get(name)?.url ?? '';
      },
      senders: USERS,
      untilAccepted: true,
    });
  }

  /** Resolves when so many events are acknowledged; a row's whole number unless said. */
  async acknowledged(events = EVENTS, within = 120_000): Promise<void> {
    await eventually(
      () => this.ledger.acknowledged,
      (count) => count >= events,
      within,
    );
  }

  /** Stops sending, waits until everything acknowledged has arrived, and enters what the sink has taken. */
  async finish(within = 60_000): Promise<void> {
    await this.#load?.stop();
    const arrived = (): number => new Set(this.sink.taken.map(({ messageId }) => messageId)).size;
    const { acknowledged } = this.ledger;
    await eventually(arrived, (count) => count >= acknowledged, within).catch((error: unknown) => {
      this.ledger.problem(`${acknowledged - arrived()} had not arrived: ${String(error)}`);
    });
    enterRecorded(this.ledger, 'hook', this.sink);
  }

  /** The sum of a statistic over the sinks, from any member. */
  async stats(): Promise<Awaited<ReturnType<Program['stats']>>> {
    for (const member of this.members.values()) {
      const stats = await member.stats().catch(() => undefined);
      if (stats !== undefined) return stats;
    }
    throw new Error('no member answers');
  }
}

/** A store on a server of its own, without members. */
export async function openStore(context: RowContext): Promise<Store & { cluster: Cluster }> {
  const cluster = await startCluster();
  context.after(() => cluster.dispose());
  const url = `postgresql://postgres@127.0.0.1:${cluster.port}/postgres`;
  return Object.assign(new Store(context, await context.listen(), url), { cluster });
}

/** A random member of several. */
export function anyOf<T>(values: readonly T[]): T {
  const value = values[Math.floor(Math.random() * values.length)];
  if (value === undefined) throw new Error('there is none');
  return value;
}
