import ipaddr from 'ipaddr.js';
import type { Clock } from '../clock.js';
import { TrackbridgeError } from '../errors.js';
import { RateLimit } from '../http/rate-limit.js';

/** Wrong credentials that one address may show at once, and how many more each second: one every six. */
const PER_ADDRESS = { burst: 10, perSecond: 1 / 6 };

/** The same for all addresses together: whoever guesses from a botnet gets no further than this. */
const FROM_ALL = { burst: 100, perSecond: 1 };

/** Addresses that are remembered: those that failed lately, and those that were right. Some 200 bytes each. */
const MOST_ADDRESSES = 4_096;

/**
 * Slows down whoever guesses credentials. An address that has been wrong too often is refused whatever it shows, so that
 * going on tells it nothing; other addresses are not concerned. Where all addresses together have been wrong too often,
 * those are still heard that were right before, and this machine: an attacker from elsewhere does not lock the operator out.
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
   * Runs `check`, which says whether credentials are right, and counts where they are not. Throws RATE_LIMITED where
   * `address` has to wait, before running it or, where others have failed meanwhile, without telling what it said; what
   * `check` throws counts as nobody's guess.
   */
  async attempt(address: string, check: () => Promise<boolean>): Promise<boolean> {
    const who = network(address);
    const limits = this.#limitsOf(who);
    refuseOver(limits);
    const right = await check();
    // Again: of guesses that come together, pipelined say, each has begun its check before the first of them counts.
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
    // The newest last, so that the first one is the longest quiet.
    this.#failing.delete(who);
    this.#failing.set(who, own);
    evict(this.#failing);
    return isThisMachine(who) || this.#trusted.has(who) ? [own] : [own, this.#all];
  }
}

function refuseOver(limits: readonly RateLimit[]): void {
  const wait = Math.max(...limits.map((limit) => limit.wait()));
  if (wait === 0) return;
  throw new TrackbridgeError('RATE_LIMITED', 'too many wrong credentials; try again later', {
    retryAfter: wait,
  });
}

function evict(held: Map<string, unknown> | Set<string>): void {
  if (held.size <= MOST_ADDRESSES) return;
  const [oldest] = held.keys();
  if (oldest !== undefined) held.delete(oldest);
}

/** An IPv4 address, also where it is written as IPv6; of IPv6 the /64, all of which one caller has to himself. */
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
