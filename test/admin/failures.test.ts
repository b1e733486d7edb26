import { describe, expect, it } from 'vitest';
import { FailedAttempts } from '../../src/admin/failures.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { errorOf } from '../http/requests.js';

const HERE = '203.0.113.7';
const wrong = async (): Promise<boolean> => false;
const right = async (): Promise<boolean> => true;

function setUp() {
  const clock = new FakeClock();
  const failures = new FailedAttempts(clock);
  const fail = async (address: string, times: number): Promise<void> => {
    for (let time = 0; time < times; time++) await failures.attempt(address, wrong);
  };
  return { clock, failures, fail };
}

describe('an address that shows wrong credentials', () => {
  it('is refused after ten, also with the right ones, which are then not looked at', async () => {
    const { failures, fail } = setUp();
    await fail(HERE, 10);
    let looked = false;
    const error = await errorOf(() =>
      failures.attempt(HERE, async () => {
        looked = true;
        return true;
      }),
    );
    expect(error).toMatchObject({ code: 'RATE_LIMITED', status: 429, retryAfter: 6000 });
    expect(looked).toBe(false);
  });

  it('may try again after the time it was told, and once', async () => {
    const { clock, failures, fail } = setUp();
    await fail(HERE, 10);
    await clock.advance(6000);
    expect(await failures.attempt(HERE, wrong)).toBe(false);
    expect(await errorOf(() => failures.attempt(HERE, right))).toMatchObject({ status: 429 });
    await clock.advance(6000);
    expect(await failures.attempt(HERE, right)).toBe(true);
  });

  it('gets no further attempts by making them all at once', async () => {
    const { failures } = setUp();
    const guesses = Array.from({ length: 50 }, (_, at) =>
      failures
        .attempt(HERE, at === 40 ? right : wrong)
        .then(String, ({ status }) => String(status)),
    );
    const answers = await Promise.all(guesses);
    expect(answers.slice(0, 10)).toEqual(Array(10).fill('false'));
    expect(answers.slice(10)).toEqual(Array(40).fill('429'));
  });

  it('gets no further attempts by being right now and then', async () => {
    const { failures, fail } = setUp();
    await fail(HERE, 9);
    expect(await failures.attempt(HERE, right)).toBe(true);
    await fail(HERE, 1);
    expect(await errorOf(() => failures.attempt(HERE, wrong))).toMatchObject({ status: 429 });
  });

  it.each([
    ['its IPv6 form', HERE, `::ffff:${HERE}`],
    ['its neighbours of the same IPv6 network', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
  ])('takes %s along', async (_what, first, second) => {
    const { failures, fail } = setUp();
    await fail(first, 10);
    expect(await errorOf(() => failures.attempt(second, right))).toMatchObject({ status: 429 });
  });

  it.each(['203.0.113.8', '2001:db8:1:3::1', '127.0.0.1', '::1', ''])(
    'locks nobody out elsewhere: %j',
    async (other) => {
      const { failures, fail } = setUp();
      await fail(HERE, 10);
      expect(await failures.attempt(other, right)).toBe(true);
    },
  );

  it('does not use up what all may try by going on after it was refused', async () => {
    const { failures, fail } = setUp();
    await fail(HERE, 10);
    for (let time = 0; time < 200; time++) await errorOf(() => failures.attempt(HERE, wrong));
    expect(await failures.attempt('198.51.100.1', right)).toBe(true);
  });
});

describe('wrong credentials from everywhere', () => {
  const botnet = async (fail: (address: string, times: number) => Promise<void>): Promise<void> => {
    for (let at = 0; at < 50; at++) await fail(`192.0.2.${at}`, 2);
  };

  it('are refused after a hundred, a new address first', async () => {
    const { failures, fail } = setUp();
    await botnet(fail);
    expect(await errorOf(() => failures.attempt('192.0.2.99', wrong))).toMatchObject({
      status: 429,
      retryAfter: 1000,
    });
  });

  it('lock out neither who was right before nor this machine', async () => {
    const { failures, fail } = setUp();
    await failures.attempt(HERE, right);
    await botnet(fail);
    expect(await failures.attempt(HERE, right)).toBe(true);
    expect(await failures.attempt('127.0.0.1', right)).toBe(true);
    expect(await failures.attempt('::1', right)).toBe(true);
  });
});

it('what says that nobody can tell is no wrong credential', async () => {
  const { failures } = setUp();
  for (let time = 0; time < 20; time++) {
    const outage = async (): Promise<boolean> => {
      throw new Error('the key set is away');
    };
    expect(await errorOf(() => failures.attempt(HERE, outage))).toMatchObject({
      message: 'the key set is away',
    });
  }
  expect(await failures.attempt(HERE, right)).toBe(true);
});
