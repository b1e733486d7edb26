import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FirstBytes } from '../../src/http/first-byte.js';
import { FakeClock } from '../dispatch/fake-clock.js';

/** As much of a socket as is looked at: how many bytes came in, and its end. */
class FakeSocket extends EventEmitter {
  bytesRead = 0;

  asSocket(): Socket {
    return this as unknown as Socket;
  }
}

let clock: FakeClock;
let firstBytes: FirstBytes;
let socket: FakeSocket;
const refuse = vi.fn();

beforeEach(() => {
  refuse.mockClear();
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  clock = new FakeClock();
  firstBytes = new FirstBytes(clock);
  socket = new FakeSocket();
});
afterEach(() => {
  firstBytes.stop();
  vi.useRealTimers();
});

/** Time goes by for the clock and for the timers alike. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    await clock.advance(50);
    vi.advanceTimersByTime(50);
  }
}

const ago = (): number => clock.monotonic() - firstBytes.of(socket.asSocket());

describe('the first byte of a request', () => {
  it('was just now, where the head came at once', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    await pass(10_000);
    socket.bytesRead = 100;
    expect(ago()).toBe(0);
  });

  it('was when a head that trickled began, to 50 ms', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    await pass(1000);
    for (let bytes = 1; bytes <= 20; bytes++) {
      socket.bytesRead = bytes;
      await pass(100);
    }
    expect(ago()).toBe(1950);
  });

  it('is a new one for every request of a connection', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    socket.bytesRead = 10;
    await pass(500);
    expect(ago()).toBe(450);
    // The body of this one comes in, for as long as it likes.
    socket.bytesRead = 5000;
    await pass(3000);
    firstBytes.answered(socket.asSocket());
    await pass(60_000);
    socket.bytesRead = 5001;
    await pass(200);
    expect(ago()).toBe(150);
  });

  it('of a request whose head is read while the last one waits is now, whatever that one sent', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    expect(ago()).toBe(0);
    socket.bytesRead = 5000;
    await pass(3000);
    expect(ago()).toBe(0);
  });

  it('of a request that was sent before the last one was answered counts from its answer', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    socket.bytesRead = 200;
    expect(ago()).toBe(0);
    await pass(3000);
    firstBytes.answered(socket.asSocket());
    expect(ago()).toBe(0);
  });

  it('is not taken from the rest of a body that came after its answer', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    expect(ago()).toBe(0);
    firstBytes.answered(socket.asSocket());
    socket.bytesRead = 5000;
    await pass(1000);
    // Once more, at the end of the body.
    firstBytes.answered(socket.asSocket());
    await pass(60_000);
    expect(ago()).toBe(0);
  });

  it('may be as old as the last look, where this process did not run since', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    await pass(1000);
    // Stopped between the first bytes and the next look.
    socket.bytesRead = 10;
    await clock.advance(7000);
    expect(firstBytes.incompleteSince(socket.asSocket())).toBe(clock.monotonic() - 7000);
    vi.advanceTimersByTime(50);
    expect(ago()).toBe(7000);
  });

  it('is known while the head is coming in', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    await pass(1000);
    expect(firstBytes.incompleteSince(socket.asSocket())).toBe(clock.monotonic());
    socket.bytesRead = 10;
    await pass(500);
    expect(firstBytes.incompleteSince(socket.asSocket())).toBe(clock.monotonic() - 450);
    expect(firstBytes.incompleteSince(new FakeSocket().asSocket())).toBe(clock.monotonic());
  });

  it('is now for a connection that nobody watches, as in a host application', () => {
    expect(ago()).toBe(0);
    expect(() => firstBytes.answered(socket.asSocket())).not.toThrow();
  });

  it('is looked for on one timer, until it is stopped', () => {
    firstBytes.watch(socket.asSocket(), refuse);
    firstBytes.watch(new FakeSocket().asSocket(), refuse);
    expect(vi.getTimerCount()).toBe(1);
    firstBytes.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is forgotten with its connection', async () => {
    firstBytes.watch(socket.asSocket(), refuse);
    socket.bytesRead = 1;
    await pass(1000);
    socket.emit('close');
    expect(ago()).toBe(0);
  });
});

describe('unfinished heads', () => {
  /** Connections of this age, oldest first, with so many bytes of an unfinished head each. */
  async function unfinished(sizes: readonly number[]) {
    firstBytes = new FirstBytes(clock, 1_000);
    const sockets: FakeSocket[] = [];
    const refused: number[] = [];
    for (const [index, bytes] of sizes.entries()) {
      const each = new FakeSocket();
      sockets.push(each);
      firstBytes.watch(each.asSocket(), () => refused.push(index));
      each.bytesRead = bytes;
      await pass(100);
    }
    return { sockets, refused };
  }

  it('may hold so many bytes together', async () => {
    const { refused } = await unfinished([400, 300, 300]);
    expect(refused).toEqual([]);
  });

  it('are refused beyond that, the oldest first and no more than it takes', async () => {
    const { sockets, refused } = await unfinished([400, 300, 300]);
    const last = sockets.at(-1) as FakeSocket;
    last.bytesRead += 500;
    await pass(50);
    expect(refused).toEqual([0, 1]);
    await pass(1000);
    expect(refused).toEqual([0, 1]);
  });

  it('do not count what is whole', async () => {
    const { sockets, refused } = await unfinished([900]);
    const [first] = sockets;
    firstBytes.of((first as FakeSocket).asSocket());
    const more = new FakeSocket();
    firstBytes.watch(more.asSocket(), () => refused.push(1));
    more.bytesRead = 900;
    await pass(100);
    expect(refused).toEqual([]);
  });
});
