import type { Shared } from '../shared.js';

/** How long a dead member is remembered, in milliseconds. */
const REMEMBERED = 60_000;

/** The owner of what members that are gone have counted. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Forgets members that are gone, and adds up what they have counted. */
export async function foldMembers({ database, schema }: Shared): Promise<void> {
  const isGone = `member <> '${NOBODY}' AND NOT EXISTS (SELECT 1 FROM ${schema}.member m WHERE m.id = t.member)`;
  await database.transact(async (session) => {
    await session.run(
      `DELETE FROM ${schema}.member WHERE expires_at < clock_timestamp() - $1 * interval '1 millisecond'`,
      [REMEMBERED],
    );
    await session.run(
      `WITH gone AS (DELETE FROM ${schema}.tally t WHERE ${isGone} RETURNING *)
       INSERT INTO ${schema}.tally AS t SELECT '${NOBODY}', '${NOBODY}', sum(accepted), sum(duplicates), sum(quarantined) FROM gone
       HAVING count(*) > 0 ON CONFLICT (writer) DO UPDATE SET accepted = t.accepted + excluded.accepted,
         duplicates = t.duplicates + excluded.duplicates, quarantined = t.quarantined + excluded.quarantined`,
    );
    await session.run(
      `WITH gone AS (DELETE FROM ${schema}.sink_tally t WHERE ${isGone} RETURNING *)
       INSERT INTO ${schema}.sink_tally AS t SELECT '${NOBODY}', '${NOBODY}', sink, sum(delivered), sum(filtered), sum(discarded),
         sum(died), sum(missed), sum(requeued), sum(letters) FROM gone GROUP BY sink
       ON CONFLICT (writer, sink) DO UPDATE SET delivered = t.delivered + excluded.delivered,
         filtered = t.filtered + excluded.filtered, discarded = t.discarded + excluded.discarded, died = t.died + excluded.died,
         missed = t.missed + excluded.missed, requeued = t.requeued + excluded.requeued, letters = t.letters + excluded.letters`,
    );
    await session.run(
      `WITH gone AS (DELETE FROM ${schema}.quarantine_tally t WHERE ${isGone} RETURNING *)
       INSERT INTO ${schema}.quarantine_tally AS t SELECT '${NOBODY}', '${NOBODY}', source, sum(entries), sum(weight) FROM gone
       GROUP BY source
       ON CONFLICT (writer, source) DO UPDATE SET entries = t.entries + excluded.entries, weight = t.weight + excluded.weight`,
    );
  });
}
