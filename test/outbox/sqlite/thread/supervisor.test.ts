import { expect, it } from 'vitest';
import { TrackbridgeError } from '../../../../src/core/errors.js';
import type { StoreOptions } from '../../../../src/outbox/sqlite/thread/messages.js';
import { StoreSupervisor } from '../../../../src/outbox/sqlite/thread/supervisor.js';
import type { StoreThread } from '../../../../src/outbox/sqlite/thread/thread.js';
import { StillClock } from '../../still-clock.js';

const opening = { options: {} as StoreOptions, sinks: [] };

/** A thread whose requests and end come when the test says so. */
class ManualThread implements StoreThread {
  alive = true;
  answer: (reply: { tail: number }) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  letGo: () => void = () => undefined;

  call(): Promise<never> {
    return new Promise((resolve, reject) => {
      this.answer = (reply) => resolve(reply as never);
      this.fail = reject;
    });
  }

  end(): Promise<void> {
    this.alive = false;
    return new Promise((resolve) => {
      this.letGo = resolve;
    });
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** An open store whose thread has just failed, and a request that makes it start again. */
async function restarting() {
  const clock = new StillClock();
  const threads: ManualThread[] = [];
  const supervisor = new StoreSupervisor({
    clock,
    log: { error: () => undefined },
    tail: () => 0,
    startThread: () => {
      threads.push(new ManualThread());
      return threadAt(threads.length - 1);
    },
    onReopened: () => undefined,
  });
  const threadAt = (index: number): ManualThread => {
    const thread = threads[index];
    if (thread === undefined) throw new Error(`there is no thread ${index}`);
    return thread;
  };
  const opened = supervisor.open(opening);
  threadAt(0).answer({ tail: 0 });
  await opened;
  threadAt(0).alive = false;
  const asked = supervisor.call('stats', null).catch((error: unknown) => error);
  await turn();
  return { asked, clock, supervisor, threadAt, threads };
}

it('starts no other thread where it is closed while it waits for the end of the one that failed', async () => {
  const { asked, supervisor, threadAt, threads } = await restarting();
  const closed = supervisor.close();
  await turn();
  threadAt(0).letGo();
  expect(await asked).toMatchObject({ code: 'DRAINING', status: 503 });
  await turn();
  threadAt(0).letGo();
  await closed;
  expect(threads).toHaveLength(1);
});

it('starts no other thread where it is abandoned meanwhile', async () => {
  const { asked, supervisor, threadAt, threads } = await restarting();
  const letGo = threadAt(0).letGo;
  supervisor.abandon();
  letGo();
  expect(await asked).toMatchObject({ code: 'DRAINING' });
  expect(threads).toHaveLength(1);
});

it('pauses a second after the end of a try to open again, however long that took', async () => {
  const { asked, clock, supervisor, threadAt, threads } = await restarting();
  threadAt(0).letGo();
  await turn();
  clock.move(10_000);
  threadAt(1).fail(new TrackbridgeError('OUTBOX_CORRUPT', 'it is damaged'));
  await turn();
  threadAt(1).letGo();
  expect(await asked).toMatchObject({ code: 'OUTBOX_UNAVAILABLE', status: 503 });
  clock.move(999);
  await expect(supervisor.call('stats', null)).rejects.toMatchObject({
    code: 'OUTBOX_UNAVAILABLE',
  });
  expect(threads).toHaveLength(2);
  clock.move(1);
  void supervisor.call('stats', null);
  await turn();
  threadAt(1).letGo();
  await turn();
  expect(threads).toHaveLength(3);
});
