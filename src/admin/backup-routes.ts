import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type Router from '@koa/router';
import { TrackbridgeError } from '../core/errors.js';
import type { OutboxStore } from '../outbox/store.js';

export type BackupRoutesDeps = Pick<OutboxStore, 'backups'>;

/**
 * Routes to copy the store: begin, ask how far it is, read the copy. The receiver writes nowhere but beside its store, so
 * that no request can name a path. The copy is deleted when it has been read, or when the reader has gone.
 */
export function backupRoutes(router: Router, { backups }: BackupRoutesDeps): void {
  const known = (): NonNullable<OutboxStore['backups']> => {
    if (backups !== undefined) return backups;
    throw new TrackbridgeError(
      'NOT_FOUND',
      "the store is not a file of this receiver; back up a PostgreSQL database with pg_dump or the server's base backups",
    );
  };
  router.post('/api/outbox/backup', async (ctx) => {
    await known().begin();
    ctx.body = await known().state();
  });
  router.get('/api/outbox/backup', async (ctx) => {
    ctx.body = await known().state();
  });
  router.get('/api/outbox/backup/file', async (ctx) => {
    const file = await known().take();
    const { size } = await stat(file);
    const stream = createReadStream(file);
    // Also when the reader goes away before the end.
    ctx.res.once('close', () => {
      stream.destroy();
      void known()
        .discard()
        .catch(() => undefined);
    });
    ctx.type = 'application/vnd.sqlite3';
    ctx.length = size;
    ctx.body = stream;
  });
}
