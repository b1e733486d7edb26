import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Own directories, removed when the test file is through. */
export function temporaryPlaces(): () => Promise<string> {
  const places: string[] = [];
  afterAll(async () => {
    for (const place of places) await rm(place, { recursive: true, force: true });
  });
  return async () => {
    const place = await mkdtemp(join(tmpdir(), 'trackbridge-outbox-'));
    places.push(place);
    return place;
  };
}
