import { describe, expect, it } from 'vitest';
import { AuthenticationWatch } from '../../src/ingest/authentication-watch.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { readableLog } from './harness.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function watching(onUnauthenticated: 'reject' | 'quarantine' = 'reject') {
  const clock = new FakeClock();
  const { log, lines } = readableLog();
  const suspects: boolean[] = [];
  const watch = new AuthenticationWatch({
    source: 'shop',
    onUnauthenticated,
    clock,
    log,
    onSuspect: (suspect) => suspects.push(suspect),
  });
  const every = async (ms: number, count: number, what: 'passed' | 'failed'): Promise<void> => {
    for (let at = 0; at < count; at++) {
      await clock.advance(ms);
      watch[what]();
    }
  };
  const codes = (): unknown[] => lines().map(({ code }) => code);
  return { clock, codes, every, lines, suspects, watch };
}

describe('a secret that has changed', () => {
  it('is suspected, loudly, once nothing has verified for a while', async () => {
    const { every, lines, suspects, watch } = watching();
    await every(SECOND, 20, 'passed');
    await every(SECOND, 9, 'failed');
    expect(lines()).toEqual([]);
    await every(SECOND, 1, 'failed');
    expect(lines()).toMatchObject([{ level: 'error', code: 'SECRET_SUSPECT', source: 'shop' }]);
    expect(lines()[0]?.['msg']).toContain('10 deliveries in a row');
    expect(lines()[0]?.['msg']).toContain('its sender drops them');
    expect(suspects).toEqual([true]);
    expect(watch.state()).toEqual({ authentication: 'suspect', refused: 10 });
  });

  it('is said again every five minutes while it lasts, and ends with one that verifies', async () => {
    const { codes, every, lines, suspects, watch } = watching();
    await every(SECOND, 5, 'passed');
    await every(SECOND, 10, 'failed');
    await every(SECOND, 299, 'failed');
    expect(codes()).toHaveLength(1);
    await every(SECOND, 1, 'failed');
    expect(codes()).toEqual(['SECRET_SUSPECT', 'SECRET_SUSPECT']);
    watch.passed();
    expect(lines()[2]).toMatchObject({ level: 'info', code: 'SECRET_HOLDS', refused: 310 });
    expect(suspects).toEqual([true, false]);
    expect(watch.state()).toEqual({ authentication: 'authenticated', refused: 0 });
    // The next one is news at once.
    await every(2 * MINUTE, 6, 'failed');
    expect(codes().at(-1)).toBe('SECRET_SUSPECT');
    expect(suspects).toEqual([true, false, true]);
  });

  it('is suspected without another delivery, once, since a sender that drops them may have no more', async () => {
    const { clock, codes, every, suspects, watch } = watching();
    await every(SECOND, 5, 'passed');
    await every(1, 6, 'failed');
    await clock.advance(9 * SECOND);
    watch.check();
    expect(codes()).toEqual([]);
    await clock.advance(SECOND);
    watch.check();
    expect(codes()).toEqual(['SECRET_SUSPECT']);
    expect(suspects).toEqual([true]);
    await clock.advance(10 * MINUTE);
    watch.check();
    expect(codes()).toEqual(['SECRET_SUSPECT']);
  });

  it('is not suspected for a few that were refused, or of a source that never worked, when time goes by', async () => {
    const few = watching();
    await few.every(SECOND, 5, 'passed');
    await few.every(1, 4, 'failed');
    const unproven = watching();
    await unproven.every(1, 20, 'failed');
    for (const { clock, watch } of [few, unproven]) {
      await clock.advance(20 * MINUTE);
      watch.check();
    }
    expect(few.codes()).toEqual([]);
    expect(unproven.codes()).toEqual(['SECRET_UNPROVEN']);
  });

  it('is not suspected before five were refused, however long nothing comes', async () => {
    const { codes, every } = watching();
    await every(SECOND, 5, 'passed');
    await every(MINUTE, 4, 'failed');
    expect(codes()).toEqual([]);
    await every(SECOND, 1, 'failed');
    expect(codes()).toEqual(['SECRET_SUSPECT']);
  });

  it('of a source whose good ones are minutes apart takes twice its longest pause', async () => {
    const { codes, every, watch } = watching();
    await every(MINUTE, 5, 'passed');
    await every(100, 100, 'passed');
    await every(SECOND, 119, 'failed');
    watch.passed();
    expect(codes()).toEqual(['UNSIGNED_TRAFFIC']);
    await every(SECOND, 200, 'failed');
    expect(codes()).toEqual(['UNSIGNED_TRAFFIC']);
    await every(SECOND, 38, 'failed');
    expect(codes()).toEqual(['UNSIGNED_TRAFFIC', 'SECRET_SUSPECT']);
  });

  it('takes ten minutes at most, and a pause is forgotten after two hours', async () => {
    const { codes, every } = watching();
    await every(MINUTE, 3, 'passed');
    await every(30 * MINUTE, 1, 'passed');
    await every(MINUTE, 9, 'failed');
    expect(codes()).toEqual([]);
    await every(MINUTE, 1, 'failed');
    expect(codes()).toEqual(['SECRET_SUSPECT']);

    const other = watching();
    await other.every(5 * MINUTE, 4, 'passed');
    await other.every(SECOND, 7200, 'passed');
    await other.every(SECOND, 10, 'failed');
    expect(other.codes()).toEqual(['SECRET_SUSPECT']);
  });

  it('is told of a source that keeps them as such', async () => {
    const { every, lines } = watching('quarantine');
    await every(SECOND, 5, 'passed');
    await every(SECOND, 10, 'failed');
    expect(lines()[0]?.['msg']).toContain('they go to quarantine');
  });
});

describe('junk beside good deliveries', () => {
  it('is unsigned traffic and no changed secret, however much it is', async () => {
    const { codes, every, lines, suspects, watch, clock } = watching();
    await every(SECOND, 3, 'passed');
    for (let round = 0; round < 299; round++) {
      await clock.advance(SECOND);
      watch.passed();
      for (let junk = 0; junk < 100; junk++) watch.failed();
    }
    expect(lines()).toMatchObject([{ level: 'warn', code: 'UNSIGNED_TRAFFIC', source: 'shop' }]);
    expect(suspects).toEqual([]);
    for (let round = 0; round < 10; round++) {
      await clock.advance(SECOND);
      watch.passed();
      watch.failed();
    }
    expect(codes()).toEqual(['UNSIGNED_TRAFFIC', 'UNSIGNED_TRAFFIC']);
  });

  it('of one now and then is no news', async () => {
    const { codes, every } = watching();
    await every(SECOND, 5, 'passed');
    for (let round = 0; round < 4; round++) {
      await every(SECOND, 1, 'failed');
      await every(SECOND, 5, 'passed');
    }
    expect(codes()).toEqual([]);
  });
});

describe('a source whose secret was never right', () => {
  it('has a hint of its own, at most every five minutes, and no alarm', async () => {
    const { every, lines, suspects, watch } = watching();
    await every(SECOND, 4, 'failed');
    expect(lines()).toEqual([]);
    await every(SECOND, 200, 'failed');
    expect(lines()).toMatchObject([{ level: 'warn', code: 'SECRET_UNPROVEN' }]);
    expect(lines()[0]?.['msg']).toContain('compare the secret with the one in the dashboard');
    expect(suspects).toEqual([]);
    expect(watch.state()).toEqual({ authentication: 'unproven', refused: 204 });
    await every(SECOND, 100, 'failed');
    expect(lines()).toHaveLength(1);
    await every(SECOND, 1, 'failed');
    expect(lines()).toHaveLength(2);
    watch.passed();
    expect(watch.state()).toEqual({ authentication: 'authenticated', refused: 0 });
  });
});

describe('the clock on the wall', () => {
  it('may jump: nothing is suspected for it', async () => {
    const { clock, codes, every } = watching();
    await every(SECOND, 5, 'passed');
    clock.jump(3_600_000);
    await every(100, 6, 'failed');
    expect(codes()).toEqual([]);
  });
});
