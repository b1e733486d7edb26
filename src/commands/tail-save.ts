import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import { shownAsFixture } from '../inspect/fixture.js';
import type { DeliveryRecord, Fixture } from '../inspect/record.js';
import { type AdminClient, AdminRefusal } from './admin-client.js';

/** Where a delivery's summary cuts its path. */
const LONGEST_PATH = 2_000;
/** Files of one name; deliveries have ids of their own, so more than a few are no accident. */
const MOST_TRIES = 100;

/**
 * Writes a delivery as a fixture file into a directory, which is made where it is missing, and returns the file's name.
 * The name is the time and the id, the file its owner's alone, and none is ever written over. Rejects where the delivery
 * cannot be had whole, or the file not be written.
 */
export async function saveFixture(
  directory: string,
  delivery: DeliveryRecord,
  client: AdminClient,
): Promise<string> {
  const fixture = (await recorded(delivery, client)) ?? shown(delivery);
  if (fixture === undefined) {
    throw new Error(
      `${delivery.id} is too large to be saved by a receiver that does not record; add admin.record`,
    );
  }
  const text = `${JSON.stringify(fixture, null, 2)}\n`;
  // Only what is safe in a name: the receiver may be anybody's.
  const time = delivery.at.replace(/[^\dTZ]/g, '').slice(0, 24);
  const name = `${time}-${delivery.id.replace(/[^\w-]/g, '_').slice(0, 80)}`;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (let again = 0; again < MOST_TRIES; again++) {
    const file = join(directory, `${name}${again === 0 ? '' : `-${again + 1}`}.json`);
    if (written(file, text)) return file;
  }
  throw new Error(`${directory} holds ${MOST_TRIES} files called ${name}; use an empty one`);
}

/** False where there is such a file, or a link. */
function written(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Error(`${file} cannot be written: ${messageOf(error)}`);
  }
}

/** What the receiver has of it; undefined where it keeps nothing, or no longer. */
async function recorded({ id }: DeliveryRecord, client: AdminClient): Promise<Fixture | undefined> {
  try {
    return (await client.get(`/api/deliveries/${encodeURIComponent(id)}/fixture`)) as Fixture;
  } catch (error) {
    if (error instanceof AdminRefusal && error.status === 404) return undefined;
    throw error;
  }
}

/** What was shown of it as a fixture; undefined where that is not all. */
function shown(delivery: DeliveryRecord): Fixture | undefined {
  const { path, request } = delivery;
  if (request.bodyTruncated || path.length >= LONGEST_PATH) return undefined;
  const bytes = Buffer.from(request.body, 'base64');
  return shownAsFixture(delivery, path, { bytes, changed: request.bodyRedacted });
}
