import type Router from '@koa/router';
import type { Clock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import { readTimestamp } from '../event/timestamp/timestamp.js';
import type { Parity } from '../parity/parity.js';
import type { FullReport } from '../parity/report/report.js';

export interface ParityRoutesDeps {
  readonly clock: Clock;
  readonly parity: Pick<Parity, 'names' | 'report' | 'states'>;
  /** Returns what may be shown of an event: without secrets and without the values of `admin.redact`. */
  readonly shown: (event: JsonValue) => JsonValue;
}

/** Routes of the comparisons: their names, and the report of one, over the time from `?since=` on (RFC 3339). */
export function parityRoutes(router: Router, deps: ParityRoutesDeps | undefined): void {
  router.get('/api/parity', (ctx) => {
    ctx.body = deps?.parity.names ?? [];
  });
  router.get('/api/parity/:name', async (ctx) => {
    const name = String(ctx.params['name']);
    const since = sinceOf(ctx.query['since']);
    const report = await deps?.parity.report(name, since, deps.clock.now());
    if (deps === undefined || report === undefined) {
      const known = (deps?.parity.names ?? []).join(', ');
      const hint = known === '' ? 'add it to the section parity' : `use one of ${known}`;
      throw new TrackbridgeError('NOT_FOUND', `there is no comparison of that name; ${hint}`);
    }
    ctx.body = masked(report, deps.shown);
  });
}

/** Returns milliseconds since the epoch; 0 without a time. */
function sinceOf(text: string | string[] | undefined): number {
  if (text === undefined) return 0;
  const since = typeof text === 'string' ? readTimestamp(text) : undefined;
  if (since !== undefined) return since;
  throw new TrackbridgeError(
    'REQUEST_MALFORMED',
    'since must be a time such as 2026-05-09T12:00:00Z',
  );
}

function masked(report: FullReport, shown: ParityRoutesDeps['shown']): FullReport {
  return {
    ...report,
    differences: report.differences.map(({ example: { left, right }, ...row }) => ({
      ...row,
      example: { left: shown(left), right: shown(right) },
    })),
    missing: report.missing.map(({ example, ...row }) =>
      example === undefined ? row : { ...row, example: shown(example) },
    ),
  };
}
