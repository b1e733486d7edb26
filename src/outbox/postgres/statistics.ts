import type { OutboxStats, SinkBacklog } from '../statistics.js';
import type { Quarantine } from './entries/quarantine.js';
import { IS_PENDING } from './lanes/pending.js';
import type { Shared } from './shared.js';
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
    for (const { active, baseline, id, limit, name, paused } of known.values()) {
      if (!active) continue;
      const totals = sums.sinks.get(id) ?? noTotals();
      const { delivered, died, discarded, filtered, letters, missed, requeued } = totals;
      const left = delivered + filtered + discarded + died + missed;
      const pending = Math.max(0, sums.accepted - baseline + requeued - left);
      const counts = { pending, delivered, filtered, discarded, deadLetters: Math.max(0, letters) };
      const backlog = { name, ...counts, ...limit, paused };
      const [oldest] =
        pending === 0
          ? []
          : await session.run(
              {
                name: 'oldest',
                text: `SELECT o.received_at FROM ${schema}.lane l CROSS JOIN LATERAL (
                    SELECT e.position, e.received_at FROM ${schema}.event e WHERE ${IS_PENDING} ORDER BY e.xid, e.position LIMIT 1
                  ) o WHERE l.sink = $1 ORDER BY o.position LIMIT 1`,
              },
              [id],
            );
      sinks.push(
        oldest === undefined
          ? backlog
          : { ...backlog, oldestReceivedAt: Number(oldest['received_at']) },
      );
    }
    return {
      accepted: sums.accepted,
      duplicates: sums.duplicates,
      quarantined: sums.quarantined,
      inQuarantine: await quarantine.count(session),
      pending: Math.max(0, ...sinks.map(({ pending }) => pending)),
      sinks,
    };
  });
}
