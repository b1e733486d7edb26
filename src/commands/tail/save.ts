import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.js';
import { shownAsFixture } from '../../workbench/inspect/fixture.js';
import type { DeliveryRecord, Fixture } from '../../workbench/inspect/record.js';
import { type AdminClient, AdminRefusal } from '../admin-client.js';

/** The length at which a delivery's summary truncates its path. */
const LONGEST_PATH = 2_000;
/** The most files with the same name. Deliveries have unique ids, so more than a few are no accident. */
const MOST_TRIES = 100;

/**
 * Writes a delivery as a fixture file into a directory, which is created if missing, and returns the file's name. The
 * name consists of the time and the id, only the owner can read the file, and no file is overwritten. Rejects if the
 * complete delivery is unavailable or the file cannot be written.
 */
export async function saveFixture(
  directory: string,
  delivery: DeliveryRecord,
  client: AdminClient,
): Promise<string> {
  const fixture = (await recorded(delivery, client)) ?? shown(delivery);
  if (fixture === undefined) {
    throw new Error(
      `${delivery.id} is too large to save unless the receiver records; configure admin.record`,
    );
  }
  const text = `${JSON.stringify(fixture, null, 2)}\n`;
  // Only characters that are safe in a name: the receiver may not be trustworthy.
  const time = delivery.at.replace(/[^\dTZ]/g, '').slice(0, 24);
  const name = `${time}-${delivery.id.replace(/[^\w-]/g, '_').slice(0, 80)}`;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (let again = 0; again < MOST_TRIES; again++) {
    const file = join(directory, `${name}${again === 0 ? '' : `-${again + 1}`}.json`);
    if (written(file, text)) return file;
  }
  throw new Error(`${directory} has ${MOST_TRIES} files named ${name}; use an empty directory`);
}

/** Returns false if a file or link of this name exists. */
function written(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Error(`${file} cannot be written: ${messageOf(error)}`);
  }
}

/** Returns the receiver's record of it; undefined if the receiver does not record, or no longer has it. */
async function recorded({ id }: DeliveryRecord, client: AdminClient): Promise<Fixture | undefined> {
  try {
    return (await client.get(`/api/deliveries/${encodeURIComponent(id)}/fixture`)) as Fixture;
  } catch (error) {
    if (error instanceof AdminRefusal && error.status === 404) return undefined;
    throw error;
  }
}

/** Returns what was shown of it as a fixture; undefined if that is incomplete. */
function shown(delivery: DeliveryRecord): Fixture | undefined {
  const { path, request } = delivery;
  if (request.bodyTruncated || path.length >= LONGEST_PATH) return undefined;
  const bytes = Buffer.from(request.body, 'base64');
  return shownAsFixture(delivery, path, { bytes, changed: request.bodyRedacted });
}
