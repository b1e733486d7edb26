import ipaddr from 'ipaddr.js';
import type { Clock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { RateLimit } from '../core/rate-limit.js';

/** The wrong credentials that one address may send at once, and how many more per second: one every six seconds. */
const PER_ADDRESS = { burst: 10, perSecond: 1 / 6 };

/** The same for all addresses together. It limits an attacker who guesses from a botnet. */
const FROM_ALL = { burst: 100, perSecond: 1 };

/**
 * The maximum number of remembered addresses: those that failed recently, and those that succeeded. Each takes about
 * 200 bytes.
 */
const MOST_ADDRESSES = 4_096;

/**
 * Rate-limits guesses of credentials. An address with too many failures is rejected whatever it sends, so that further
 * guesses reveal nothing. Other addresses are not affected. If all addresses together have failed too often, only
 * addresses that succeeded before and this machine are still checked: an attacker from elsewhere cannot lock the
 * operator out.
 */
export class FailedAttempts {
  readonly #clock: Clock;
  readonly #all: RateLimit;
  readonly #failing = new Map<string, RateLimit>();
  readonly #trusted = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#all = new RateLimit(FROM_ALL, clock);
  }

  /**
   * Runs `check`, which returns whether credentials are valid, and counts a failure if they are not. Throws
   * RATE_LIMITED if `address` has to wait: before running `check`, or after it without revealing its result if other
   * attempts have failed meanwhile. An error that `check` throws does not count as a failure.
   */
  async attempt(address: string, check: () => Promise<boolean>): Promise<boolean> {
    const who = network(address);
    const limits = this.#limitsOf(who);
    refuseOver(limits);
    const right = await check();
    // Checked again: concurrent guesses, pipelined ones for example, have all begun their check before the first of
    // them counts.
    refuseOver(limits);
    if (right) this.#trust(who);
    else for (const limit of limits) limit.take();
    return right;
  }

  #trust(who: string): void {
    this.#trusted.delete(who);
    this.#trusted.add(who);
    evict(this.#trusted);
  }

  #limitsOf(who: string): readonly RateLimit[] {
    const own = this.#failing.get(who) ?? new RateLimit(PER_ADDRESS, this.#clock);
    // The newest is last, so that the first has been idle the longest.
    this.#failing.delete(who);
    this.#failing.set(who, own);
    evict(this.#failing);
    return isThisMachine(who) || this.#trusted.has(who) ? [own] : [own, this.#all];
  }
}

function refuseOver(limits: readonly RateLimit[]): void {
  const wait = Math.max(...limits.map((limit) => limit.wait()));
  if (wait === 0) return;
  throw new TrackbridgeError('RATE_LIMITED', 'too many invalid credentials; retry later', {
    retryAfter: wait,
  });
}

function evict(held: Map<string, unknown> | Set<string>): void {
  if (held.size <= MOST_ADDRESSES) return;
  const [oldest] = held.keys();
  if (oldest !== undefined) held.delete(oldest);
}

/**
 * Returns an IPv4 address, also if it is written as IPv6; for IPv6 the /64 prefix, all of which one caller controls.
 */
function network(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return parsed.range() === 'loopback'
    ? parsed.toString()
    : parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':');
}

function isThisMachine(who: string): boolean {
  return ipaddr.isValid(who) && ipaddr.parse(who).range() === 'loopback';
}
