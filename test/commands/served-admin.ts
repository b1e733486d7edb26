import type { AdminDeps } from '../../src/admin/app.js';
import type { MemoryOutbox } from '../../src/outbox/memory/outbox.js';
import type { SinkSettings } from '../../src/outbox/store.js';
import { serveAdmin } from '../admin/serve.js';
import { runInProcess } from '../support/program.js';

type Ran = Awaited<ReturnType<typeof runInProcess>>;

/** The admin API over an outbox in memory, and commands against it. Call `close` of `admin/listen.js` after. */
export async function servedAdmin(
  sinks: readonly SinkSettings[],
  changes: Partial<AdminDeps> = {},
): Promise<{ outbox: MemoryOutbox; run(...args: string[]): Promise<Ran> }> {
  const { outbox, url } = await serveAdmin(sinks, changes);
  const run = (...args: string[]): Promise<Ran> => runInProcess([...args, '--admin', url]);
  return { outbox, run };
}
