import type { Clock } from '../../core/clock.js';
import { type Answer, exchange } from './exchange.js';
import { type Grade, judge } from './judge.js';
import type { Probe, Vendor } from './probe.js';
import { type KnownProxy, proxyOf } from './proxies.js';

/** The result of one delivery. */
export interface Finding {
  readonly id: string;
  readonly title: string;
  readonly grade: Grade;
  /** The status, or the error if there was no answer; empty if skipped. */
  readonly answer: string;
  /** Milliseconds. */
  readonly took: number;
  readonly why: string;
}

/** Slightly longer than the vendors wait, to tell a late answer from none. */
const LIMIT = 11_000;
/** Consecutive missing answers after which the remaining probes are skipped. */
const MOST_FAILURES = 3;

/**
 * Sends the deliveries one after the other, each on its own connection, and yields the results. After three without an
 * answer, or if the connection is refused, the others are skipped. Takes a few minutes at most.
 */
export async function* examine(
  url: URL,
  probes: readonly Probe[],
  vendor: Vendor,
  clock: Clock,
): AsyncGenerator<Finding> {
  const takenIds = new Set<string>();
  let failures = 0;
  let proxy: KnownProxy | undefined;
  for (const probe of probes) {
    const { id, title, after } = probe;
    const skipped = { id, title, grade: 'skipped', answer: '', took: 0 } as const;
    if (failures >= MOST_FAILURES) {
      yield { ...skipped, why: 'The receiver does not answer.' };
      continue;
    }
    if (after !== undefined && !takenIds.has(after)) {
      yield { ...skipped, why: `Only meaningful if "${after}" is accepted.` };
      continue;
    }
    const answer = await exchange(url, probe.outgoing, LIMIT, clock);
    // An error page names the proxy that answered; other answers may have passed several.
    proxy = proxyOf(answer) ?? proxy;
    if ('error' in answer) failures += id === 'single' && !answer.timedOut ? MOST_FAILURES : 1;
    else if (answer.status >= 200 && answer.status < 300) takenIds.add(id);
    // If even the first is not accepted, the others prove nothing.
    const told = id === 'single' || takenIds.has('single') ? probe : withoutHint(probe);
    const said = 'error' in answer ? answer.error : String(answer.status);
    yield {
      id,
      title,
      answer: said,
      took: Math.round(answer.took),
      ...judge(told, answer, vendor, isReceivers(told, answer) ? undefined : proxy),
    };
  }
}

function withoutHint({ hint: _, limit: __, ...probe }: Probe): Probe {
  return probe;
}

/**
 * Whether a limit of the receiver itself rejected the delivery. Proxies do not answer with problem details. But they may
 * have changed what they passed on: headers with underscores, or the path.
 */
function isReceivers({ limit }: Probe, answer: Answer): boolean {
  if (limit === 'underscores' || limit === 'path' || 'error' in answer) return false;
  return answer.contentType.startsWith('application/problem+json');
}
