import type { Clock } from '../clock.js';
import { exchange } from './exchange.js';
import { type Grade, judge } from './judge.js';
import type { Probe, Vendor } from './probe.js';

/** How one delivery fared. */
export interface Finding {
  readonly id: string;
  readonly title: string;
  readonly grade: Grade;
  /** The status, or what went wrong instead of an answer; empty for what was skipped. */
  readonly answer: string;
  /** Milliseconds. */
  readonly took: number;
  readonly why: string;
}

/** Little more than the vendors wait, so that a late answer is told from none. */
const LIMIT = 11_000;
/** A receiver that does not answer is not waited for again and again. */
const MOST_FAILURES = 3;

/**
 * Sends each delivery, one after the other, each on a connection of its own, and yields what came of it. After three
 * without an answer, or where nobody listens, the others are skipped. At most some minutes.
 */
export async function* examine(
  url: URL,
  probes: readonly Probe[],
  vendor: Vendor,
  clock: Clock,
): AsyncGenerator<Finding> {
  const takenIds = new Set<string>();
  let failures = 0;
  for (const probe of probes) {
    const { id, title, after } = probe;
    const skipped = { id, title, grade: 'skipped', answer: '', took: 0 } as const;
    if (failures >= MOST_FAILURES) {
      yield { ...skipped, why: 'The receiver does not answer.' };
      continue;
    }
    if (after !== undefined && !takenIds.has(after)) {
      yield { ...skipped, why: `Only of use where "${after}" is taken.` };
      continue;
    }
    const answer = await exchange(url, probe.outgoing, LIMIT, clock);
    if ('error' in answer) failures += id === 'single' && !answer.timedOut ? MOST_FAILURES : 1;
    else if (answer.status >= 200 && answer.status < 300) takenIds.add(id);
    // Where not even the first is taken, what the others would show is not known.
    const told = id === 'single' || takenIds.has('single') ? probe : withoutHint(probe);
    const said = 'error' in answer ? answer.error : String(answer.status);
    yield {
      id,
      title,
      answer: said,
      took: Math.round(answer.took),
      ...judge(told, answer, vendor),
    };
  }
}

function withoutHint({ hint: _, ...probe }: Probe): Probe {
  return probe;
}
