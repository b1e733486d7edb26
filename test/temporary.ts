import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives the tests of one run, and the programs that they start, one directory for temporary files, and takes it away after
 * the run: also what a test that was ended in the middle has left.
 */
export default function setup(): () => void {
  const place = mkdtempSync(join(tmpdir(), 'trackbridge-tests-'));
  // Servers that run as users of their own pass through it to what is theirs.
  chmodSync(place, 0o711);
  process.env['TMPDIR'] = place;
  return () => rmSync(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
