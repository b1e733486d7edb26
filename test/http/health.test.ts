import { afterEach, describe, expect, it, vi } from 'vitest';
import { TrackbridgeError } from '../../src/core/errors.js';
import { createHealth } from '../../src/http/health.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { contextOf, errorOf } from './requests.js';

afterEach(() => void vi.restoreAllMocks());

function setUp(probe: () => Promise<void> = async () => undefined) {
  const clock = new FakeClock();
  const outbox = { probe: vi.fn(probe) };
  const state = { draining: false };
  const health = createHealth({ clock, outbox, isDraining: () => state.draining });
  return { clock, outbox, state, health };
}

const failing = async (): Promise<void> => {
  throw new TrackbridgeError('OUTBOX_UNAVAILABLE', 'the disk is full');
};

describe('/livez', () => {
  it('says that the process runs, without asking the outbox', () => {
    const { health, outbox, state } = setUp(failing);
    state.draining = true;
    const ctx = contextOf();
    health.livez(ctx);
    expect(ctx.status).toBe(200);
    expect(ctx.body).toEqual({ status: 'alive' });
    expect(outbox.probe).not.toHaveBeenCalled();
  });
});

describe('/readyz', () => {
  it('is 200 where the outbox takes writes', async () => {
    const ctx = contextOf();
    await setUp().health.readyz(ctx);
    expect(ctx.status).toBe(200);
    expect(ctx.body).toEqual({ status: 'ready' });
  });

  it('is what stands in the way where it does not', async () => {
    const { health } = setUp(failing);
    expect(await errorOf(() => health.readyz(contextOf()))).toMatchObject({
      code: 'OUTBOX_UNAVAILABLE',
      status: 503,
    });
  });

  it('is a 503 while the process drains, without asking the outbox', async () => {
    const { health, outbox, state } = setUp();
    state.draining = true;
    expect(await errorOf(() => health.readyz(contextOf()))).toMatchObject({ code: 'DRAINING' });
    expect(outbox.probe).not.toHaveBeenCalled();
  });

  it('asks the outbox once for many that ask within a second', async () => {
    const { clock, health, outbox } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => health.readyz(contextOf())));
    await clock.advance(1000);
    await health.readyz(contextOf());
    expect(outbox.probe).toHaveBeenCalledTimes(1);
    await clock.advance(1);
    await health.readyz(contextOf());
    expect(outbox.probe).toHaveBeenCalledTimes(2);
  });

  it('shares a failure too, and asks again after a second', async () => {
    const { clock, health, outbox } = setUp(failing);
    for (let asked = 0; asked < 5; asked++) await errorOf(() => health.readyz(contextOf()));
    expect(outbox.probe).toHaveBeenCalledTimes(1);
    outbox.probe.mockResolvedValue(undefined);
    await clock.advance(1001);
    await health.readyz(contextOf());
  });
});
