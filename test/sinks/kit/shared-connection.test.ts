import { describe, expect, it } from 'vitest';
import { type Connection, SharedConnection } from '../../../src/sinks/kit/shared-connection.js';

class FakeConnection implements Connection {
  isOver = false;
  readonly calls: string[] = [];

  async close(): Promise<void> {
    this.calls.push('close');
  }

  cut(): void {
    this.calls.push('cut');
  }
}

function setUp() {
  const made: FakeConnection[] = [];
  const shared = new SharedConnection(() => {
    const connection = new FakeConnection();
    made.push(connection);
    return connection;
  });
  const calls = (): string[][] => made.map((connection) => connection.calls);
  return { made, shared, calls };
}

const nothing = async (): Promise<void> => {};

describe('a shared connection', () => {
  it('is made once, on first use, for all lanes', async () => {
    const { made, shared, calls } = setUp();
    expect(made).toHaveLength(0);
    await Promise.all([shared.use(nothing), shared.use(nothing)]);
    expect(calls()).toEqual([[]]);
    await shared.close();
    expect(calls()).toEqual([['close']]);
  });

  it('is replaced after `retire`, and closed when its last delivery has ended', async () => {
    const { shared, calls } = setUp();
    let answer = (): void => {};
    const lane = shared.use(() => new Promise<void>((resolve) => (answer = resolve)));
    await shared.use(async (_connection, retire) => retire());
    await shared.use(nothing);
    expect(calls()).toEqual([[], []]);
    answer();
    await lane;
    expect(calls()).toEqual([['close'], []]);
  });

  it('is closed and forgotten when it ended between two deliveries', async () => {
    const { made, shared, calls } = setUp();
    for (let time = 0; time < 3; time++) {
      await shared.use(async (connection) => {
        connection.isOver = true;
      });
    }
    expect(made).toHaveLength(3);
    expect(calls().slice(0, 2)).toEqual([['close'], ['close']]);
    await shared.close();
    expect(calls()).toEqual([['close'], ['close'], ['close']]);
  });

  it('is cut when a delivery rejects or is aborted', async () => {
    const { shared, calls } = setUp();
    const failed = new Error('failed');
    await expect(shared.use(() => Promise.reject(failed))).rejects.toBe(failed);
    const aborting = new AbortController();
    const aborted = shared.use(() => new Promise(() => {}), aborting.signal);
    aborting.abort();
    await expect(aborted).rejects.toMatchObject({ retryable: true });
    await expect(shared.use(nothing, aborting.signal)).rejects.toMatchObject({ retryable: true });
    expect(calls()).toEqual([
      ['cut', 'close'],
      ['cut', 'close'],
    ]);
  });
});
