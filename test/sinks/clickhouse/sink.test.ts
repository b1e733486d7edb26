import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import {
  type ClickHouseOptions,
  clickHouseSink,
  createClickHouseSink,
} from '../../../src/sinks/clickhouse/sink.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { type Bench, sinkContract } from '../contract.js';
import { oddEvents, sinkEvent } from '../events.js';
import { failed, never } from '../http/setup.js';
import { type ClickHouse, clickHouse, exception, PASSWORD } from './server.js';

const context = { clock: systemClock };
const optionsAt = (port: number): ClickHouseOptions => ({
  url: `http://127.0.0.1:${port}`,
  database: 'default',
  table: 'events',
  user: 'default',
  password: PASSWORD,
  create: false,
});

sinkContract('clickhouse', async (): Promise<Bench> => {
  const server = await clickHouse();
  const { rows } = server.addTable('default.events');
  return {
    sink: createClickHouseSink(optionsAt(server.port), context),
    // Nothing listens on port 1 of the loopback.
    broken: createClickHouseSink({ ...optionsAt(1), create: true }, context),
    received: async () => rows.map(({ payload }) => JSON.parse(String(payload))),
    stall: () => {
      server.door = () => true;
    },
    fail: () => {
      server.door = (response) => exception(response, 500, 241, `${PASSWORD}\nat row 1`);
    },
    mend: () => {
      server.door = undefined;
    },
    secrets: [PASSWORD],
    dispose: () => server.stop(),
  };
});

describe('clickhouse', () => {
  let server: ClickHouse;
  const sinks: Sink[] = [];
  const create = (options: Partial<ClickHouseOptions> = {}): Sink => {
    const sink = createClickHouseSink({ ...optionsAt(server.port), ...options }, context);
    sinks.push(sink);
    return sink;
  };
  const opened = async (options: Partial<ClickHouseOptions> = {}): Promise<Sink> => {
    const sink = create(options);
    await sink.open();
    return sink;
  };
  beforeEach(async () => {
    server = await clickHouse();
  });
  afterEach(async () => {
    await Promise.all(sinks.splice(0).map((sink) => sink.close()));
    await server.stop();
  });

  it('fills the columns, and leaves out what an event lacks or a column cannot hold', async () => {
    const { rows } = server.addTable('default.events');
    const sink = await opened();
    const whole = sinkEvent('a', { anonymousId: 'x\ud800y' });
    const { event: _, userId: __, ...rest } = sinkEvent('b').event;
    const times = { timestamp: '0001-01-01T00:00:00.000Z', receivedAt: 'whenever' };
    const event = { ...rest, ...times, type: 'page', name: 'Home' };
    const bare = { messageId: 'b', dedupeKey: 'segment:b', event, json: JSON.stringify(event) };
    await sink.deliver([whole, bare], never());
    expect(rows).toEqual([
      {
        ...{
          dedupe_key: 'segment:a',
          message_id: 'a',
          type: 'track',
          event: 'Order Completed',
          user_id: 'u-1',
        },
        ...{ anonymous_id: 'x\ufffdy', timestamp: '2026-01-02T03:04:05.000Z' },
        ...{ received_at: '2026-01-02T03:04:06.000Z', payload: whole.json },
      },
      {
        ...{ dedupe_key: 'segment:b', message_id: 'b', type: 'page', event: 'Home' },
        payload: bare.json,
      },
    ]);
  });

  it('sends the same token with the same rows, also after a restart, and another with others', async () => {
    const { rows } = server.addTable('default.events');
    const sink = await opened();
    server.door = (response) => {
      server.door = undefined;
      response.destroy();
      return true;
    };
    const batch = [sinkEvent('a'), sinkEvent('b')];
    expect((await failed(sink.deliver(batch, never()))).retryable).toBe(true);
    await sink.deliver(batch, never());
    await (await opened()).deliver(batch, never());
    await sink.deliver([sinkEvent('a', { receipt: { source: 'other' } })], never());
    const tokens = server.requests.map((each) => each.get('insert_deduplication_token'));
    expect(tokens[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(tokens.slice(0, 3)).toEqual([tokens[0], tokens[0], tokens[0]]);
    expect(tokens[3]).not.toBe(tokens[0]);
    expect(rows.map((row) => row['message_id'])).toEqual(['a', 'b', 'a']);
  });

  it('asks to be answered when the rows are stored, whatever the profile of the user says', async () => {
    server.addTable('default.events');
    await (await opened()).deliver([sinkEvent('a')], never());
    const [settings] = server.requests;
    expect(Object.fromEntries(settings ?? [])).toMatchObject({
      ...{ database: 'default', async_insert: '0', wait_end_of_query: '1' },
      date_time_input_format: 'best_effort',
    });
    expect(String(settings)).not.toContain(PASSWORD);
  });

  it('makes the table where it is told to, and anew where it was dropped', async () => {
    const sink = await opened({ create: true });
    const statement = server.requests[0]?.get('query');
    expect(statement).toContain('ENGINE = ReplacingMergeTree');
    expect(statement).toContain('non_replicated_deduplication_window');
    await sink.deliver([sinkEvent('a')], never());
    server.tables.clear();
    const error = await failed(sink.deliver([sinkEvent('b')], never()));
    expect(error).toMatchObject({ retryable: true });
    await sink.deliver([sinkEvent('b')], never());
    expect(server.tables.get('default.events')?.rows).toMatchObject([{ message_id: 'b' }]);
  });

  it.each([
    [400, 27, false, 'a value of the event'],
    [400, 26, false, ''],
    [400, 6, false, ''],
    [400, 41, false, ''],
    [400, 117, false, ''],
    [500, 469, false, ''],
    [500, 252, true, 'too many parts'],
    [500, 241, true, 'memory'],
    [500, 159, true, ''],
    [500, 202, true, ''],
    [404, 60, true, 'create: true'],
    [404, 81, true, 'database'],
    [404, 16, true, 'lacks a column'],
    [404, 115, true, '22.2'],
    [403, 516, true, 'check user and password'],
    [403, 497, true, 'grant INSERT'],
    [400, 62, true, ''],
  ])('%i with code %i: worth another try is %s', async (status, code, retryable, advice) => {
    const sink = await opened();
    server.door = (response) => exception(response, status, code);
    const error = await failed(sink.deliver([sinkEvent('a')], never()));
    expect(error).toMatchObject({ retryable });
    expect(error.message).toContain(`: code ${code}`);
    expect(error.message).toContain(advice);
  });

  it.each([
    [413, false],
    [502, true],
    [401, true],
    [404, true],
  ])('%i without a code, as of a proxy: worth another try is %s', async (status, retryable) => {
    const sink = await opened();
    server.door = (response) => {
      response.writeHead(status).end('<html>');
      return true;
    };
    expect(await failed(sink.deliver([sinkEvent('a')], never()))).toMatchObject({ retryable });
  });

  it.each([
    'Code: 27. DB::Exception: Cannot parse input: expected } (CANNOT_PARSE_INPUT_ASSERTION_FAILED)',
    'Code: 27, e.displayText() = DB::Exception: Cannot parse input',
    '\r\n__exception__\r\nCode: 27. DB::ParsingException: Cannot parse input',
  ])('finds an exception under a 200: %j', async (text) => {
    const sink = await opened();
    server.door = (response) => {
      response.end(text);
      return true;
    };
    const error = await failed(sink.deliver([sinkEvent('a')], never()));
    expect(error).toMatchObject({ retryable: false });
    expect(error.message).toBe(
      'ClickHouse answered 200 OK: code 27, it rejected a value of the event',
    );
    expect(error.farSide).toContain('Code: 27');
  });

  it('goes on when the server was restarted', async () => {
    const { rows } = server.addTable('default.events');
    const sink = await opened();
    await sink.deliver([sinkEvent('a')], never());
    await server.stop();
    expect(await failed(sink.deliver([sinkEvent('b')], never()))).toMatchObject({
      retryable: true,
    });
    await server.start();
    await sink.deliver([sinkEvent('b')], never());
    expect(rows.map((row) => row['message_id'])).toEqual(['a', 'b']);
  });

  it.each([
    ['a wrong password', { password: 'another-one' }, /516, check user and password/],
    ['no such database', { database: 'nowhere' }, /81, there is no such database/],
    ['no such table', { table: 'nothing' }, /60, there is no such table/],
  ])('check tells %s', async (_name, options, message) => {
    server.addTable('default.events');
    const error = await failed(create(options).check());
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('another-one');
  });

  it('check takes a table that will be made, makes none, and takes that there was nothing to insert', async () => {
    await create({ create: true }).check();
    expect(server.tables.size).toBe(0);
    server.door = (response) => exception(response, 400, 108);
    await create().check();
  });

  it('is refused a URL that is more than a base', () => {
    expect(() => create({ url: `http://default:${PASSWORD}@127.0.0.1:8123` })).toThrow(
      /^url: must be a URL without user/,
    );
  });

  it('has a batch of large events go out before it has all of batch.size', () => {
    expect(clickHouseSink.fill?.({} as never)).toEqual({ bytes: 33_554_432 });
    expect(Math.max(...oddEvents().map(({ json }) => json.length))).toBeGreaterThan(1_000_000);
  });
});
