import { printable } from '../../core/printable.js';
import { onceEach } from '../kit/once-each.js';
import type { SinkContext } from '../sink.js';

/** Senders choose the names: without a bound, a stranger could fill memory and log. */
export const MOST_NAMES = 1_000;
const LONGEST_NAME = 100;

/**
 * Counts the names in `integrations` that were removed for `vendor`, because it has no known destination of that name.
 * Logs each name once, at most MOST_NAMES of them.
 */
export function createUnmappedReport(
  vendor: string,
  { log, metrics }: Pick<SinkContext, 'log' | 'metrics'>,
): (names: readonly string[]) => void {
  // Prometheus sees no increase in a counter that starts with its first event.
  metrics?.unmappedIntegrations(0);
  const warn = onceEach(
    MOST_NAMES,
    (integration) =>
      log.warn(
        { integration },
        `${vendor} has no destination of this name and may ignore its setting in integrations; set the name of ${vendor}'s destination in a transform, or filter such events with where.integration`,
      ),
    () =>
      log.warn(
        { names: MOST_NAMES },
        'further unknown names in integrations are counted, not logged',
      ),
  );
  return (names) => {
    if (names.length === 0) return;
    metrics?.unmappedIntegrations(names.length);
    for (const name of names) warn(printable(name, LONGEST_NAME));
  };
}
