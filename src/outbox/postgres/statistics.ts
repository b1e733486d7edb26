import type { FormerSink, OutboxStats, SinkBacklog } from '../statistics.js';
import type { Quarantine } from './entries/quarantine.js';
import type { Shared } from './shared.js';
import { oldestOf } from './sinks/begin.js';
import { readSinks } from './sinks/registration.js';
import { noTotals, readSums } from './totals.js';

/** Reads the statistics of all members. The sinks are those that any of them has. */
export function readStats(shared: Shared, quarantine: Quarantine): Promise<OutboxStats> {
  const { database, schema } = shared;
  return database.transact(async (session) => {
    // All of it as of one moment.
    await session.run('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const known = await readSinks(session, schema);
    const sums = await readSums(session, schema);
    const sinks: SinkBacklog[] = [];
    const former: FormerSink[] = [];
    for (const { active, baseline, id, limit, name, paused } of known.values()) {
      const totals = sums.sinks.get(id) ?? noTotals();
      const { delivered, died, discarded, filtered, letters, missed, requeued } = totals;
      const left = delivered + filtered + discarded + died + missed;
      const pending = Math.max(0, sums.accepted - baseline + requeued - left);
      if (!active && pending + missed === 0) continue;
      const at = pending === 0 ? undefined : await oldestOf(session, schema, id);
      const oldest = at === undefined ? {} : { oldestReceivedAt: at };
      if (!active) {
        former.push({ name, pending, missed, ...oldest });
        continue;
      }
      const deadLetters = Math.max(0, letters);
      const counts = { pending, delivered, filtered, discarded, missed, deadLetters };
      sinks.push({ name, ...counts, ...limit, paused, ...oldest });
    }
    return {
      accepted: sums.accepted,
      duplicates: sums.duplicates,
      quarantined: sums.quarantined,
      inQuarantine: await quarantine.count(session),
      pending: Math.max(0, ...sinks.map(({ pending }) => pending)),
      sinks,
      former,
    };
  });
}
