import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const PREFIX = 'trackbridge-tests-';

/**
 * Gives the tests of one run, and the programs that they start, one directory for temporary files, and takes it away after
 * the run: also what a test that was ended in the middle has left.
 */
export default function setup(): () => void {
  // Each project of the run sets up; directories within each other would make paths too long for Chromium's socket.
  if (basename(tmpdir()).startsWith(PREFIX)) return () => undefined;
  const place = mkdtempSync(join(tmpdir(), PREFIX));
  // Servers that run as users of their own pass through it to what is theirs.
  chmodSync(place, 0o711);
  process.env['TMPDIR'] = place;
  return () => rmSync(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
