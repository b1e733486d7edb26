import type Router from '@koa/router';
import type { OutboxStore } from '../outbox/store.js';

export interface SinkRoutesDeps {
  readonly outbox: Pick<OutboxStore, 'purge'>;
  /** Pauses or resumes a sink, also for later starts. Rejects with NOT_FOUND. */
  readonly setPaused: (sink: string, paused: boolean) => Promise<void>;
}

/** Routes to pause, resume and purge one sink. Purging also works for a sink that is no longer configured. */
export function sinkRoutes(router: Router, { outbox, setPaused }: SinkRoutesDeps): void {
  for (const [act, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    router.post(`/api/sinks/:name/${act}`, async (ctx) => {
      const sink = String(ctx.params['name']);
      await setPaused(sink, paused);
      ctx.body = { sink, paused };
    });
  }
  router.post('/api/sinks/:name/purge', async (ctx) => {
    const sink = String(ctx.params['name']);
    ctx.body = { sink, purged: await outbox.purge(sink) };
  });
}
