import { createHash } from 'node:crypto';
import type { SinkOptions } from '../../config/config.js';
import type { TraceContext } from '../../core/observe.js';
import { createHttpClient, type HttpAnswer, hideable } from '../kit/http-client.js';
import { inSlices } from '../kit/slices.js';
import { belowBase } from '../kit/url-option.js';
import { DELIVERED, type Sink, type SinkContext, type SinkEvent, type SinkType } from '../sink.js';
import { clickHouseFailure, exceptionIn } from './answer.js';
import { createStatement, insertStatement, rowOf } from './table.js';

export type ClickHouseOptions = SinkOptions['clickhouse'];

/** Milliseconds that `open` and `check` wait for an answer. */
const PATIENCE = 10_000;

/** Bytes at which a batch is full: it is held as text, as rows and as a body. */
const FULL = 32 * 1024 * 1024;

const NO_SUCH_TABLE = 60;
/** Some versions answer this to an INSERT without rows. */
const NO_DATA_TO_INSERT = 108;

export const clickHouseSink: SinkType<'clickhouse'> = {
  type: 'clickhouse',
  create: (options, context) => createClickHouseSink(options, context),
  fill: () => ({ bytes: FULL }),
};

/** Inserts each batch with one statement. Throws CONFIG_INVALID if `url` is not a base URL. */
export function createClickHouseSink(
  options: ClickHouseOptions,
  { clock }: Pick<SinkContext, 'clock'>,
): Sink {
  const { create, database, user, password } = options;
  const base = belowBase(options.url, '/', 'url');
  const secrets = hideable([password]);
  const client = createHttpClient(base, { allowPrivateAddresses: true, secrets, clock });
  const headers = { 'x-clickhouse-user': user, 'x-clickhouse-key': password };
  let isThere = !create;

  async function run(
    query: string,
    body: string | Buffer,
    signal: AbortSignal,
    settings: Readonly<Record<string, string>> = {},
    trace?: TraceContext,
  ): Promise<HttpAnswer> {
    // Without wait_end_of_query the status is sent before the outcome is known.
    const parameters = { database, query, wait_end_of_query: '1', ...settings };
    const path = `${base.pathname}?${new URLSearchParams(parameters)}`;
    return await client.send(
      { method: 'POST', path, headers: { ...headers, ...trace }, body },
      signal,
    );
  }

  async function insert(
    batch: readonly SinkEvent[],
    signal: AbortSignal,
    trace?: TraceContext,
  ): Promise<HttpAnswer> {
    const rows: Buffer[] = [];
    const token = createHash('sha256');
    await inSlices(batch, (slice) => {
      const lines = Buffer.from(slice.map((event) => `${rowOf(event)}\n`).join(''));
      rows.push(lines);
      token.update(lines);
    });
    return await run(
      insertStatement(options),
      Buffer.concat(rows),
      signal,
      {
        // Otherwise a profile could make ClickHouse answer while the rows are only in its memory.
        async_insert: '0',
        date_time_input_format: 'best_effort',
        // The same rows are the same insert. The ids alone would not do: two sources may both have an event `1`.
        insert_deduplication_token: token.digest('hex'),
      },
      trace,
    );
  }

  async function makeTable(signal: AbortSignal): Promise<void> {
    if (isThere) return;
    const failure = clickHouseFailure(await run(createStatement(options), '', signal), clock.now());
    if (failure) throw failure;
    isThere = true;
  }

  /** Aborts work that takes longer than PATIENCE. */
  async function patiently<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const [late, ended] = [new AbortController(), new AbortController()];
    void clock.sleep(PATIENCE, ended.signal).then(() => {
      late.abort(new DOMException('No answer', 'TimeoutError'));
    });
    try {
      return await work(late.signal);
    } finally {
      ended.abort();
    }
  }

  return {
    async open() {
      client.open();
      await patiently(makeTable);
    },

    async deliver(batch, signal, trace) {
      await makeTable(signal);
      const answer = await insert(batch, signal, trace);
      // The table was dropped in the meantime. The retry creates it again.
      if (create && exceptionIn(answer) === NO_SUCH_TABLE) isThere = false;
      const failure = clickHouseFailure(answer, clock.now());
      if (failure) throw failure;
      return batch.map(() => DELIVERED);
    },

    /** Inserts no rows, which still checks the table, its columns and the user's rights. */
    async check() {
      client.open();
      const answer = await patiently((signal) => insert([], signal));
      const code = exceptionIn(answer);
      if (code === NO_DATA_TO_INSERT || (create && code === NO_SUCH_TABLE)) return;
      const failure = clickHouseFailure(answer, clock.now());
      if (failure) throw failure;
    },

    close: () => client.close(),
  };
}
