import { TrackbridgeError } from '../../../core/errors.js';
import type { Session } from '../connection/database.js';

/** Throws START_FAILED, which names it, if a member of the store is running. */
export async function refuseMembers(session: Session, schema: string): Promise<void> {
  const [row] = await session.run(
    `SELECT name FROM ${schema}.member WHERE expires_at > clock_timestamp() LIMIT 1`,
  );
  if (row === undefined) return;
  throw new TrackbridgeError(
    'START_FAILED',
    `member ${row['name']} has the store open; stop all members first`,
  );
}
