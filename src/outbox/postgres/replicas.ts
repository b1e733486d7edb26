/** `FIRST 2 (a, b)`, `ANY 1 (*)`, `2 (a, b)`; a list without a number waits for one. */
const NUMBERED = /^\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\(/i;

/** The values of `synchronous_commit` that wait for the disks of the synchronous standbys. */
const WAITING: ReadonlySet<string> = new Set(['on', 'remote_apply']);

/**
 * Returns how many servers have a commit on disk when the primary acknowledges it, by its settings
 * `synchronous_standby_names` and `synchronous_commit`.
 */
export function copiesOf(standbyNames: string, synchronousCommit: string): number {
  if (standbyNames.trim() === '' || !WAITING.has(synchronousCommit)) return 1;
  return 1 + Number(NUMBERED.exec(standbyNames)?.[1] ?? 1);
}
