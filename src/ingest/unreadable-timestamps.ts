import type { Observations } from '../core/observe.js';
import type { Log } from '../telemetry/log.js';
import type { Incoming } from './checks/check.js';

export interface UnreadableDeps {
  readonly log: Pick<Log, 'warn'>;
  readonly observations: Pick<Observations, 'unreadable'>;
}

/** Called with the fields of an accepted event whose timestamps cannot be parsed. */
export type OnUnreadable = (event: Incoming, texts: Readonly<Record<string, string>>) => void;

/**
 * Publishes timestamps that cannot be parsed, and warns once per field of a source. An unparseable timestamp counts as
 * missing, which moves a past event to the present, and a sender that writes one such timestamp writes all of them that
 * way.
 */
export function watchUnreadable({ log, observations }: UnreadableDeps): OnUnreadable {
  const warned = new Set<string>();
  return ({ name, source, facts }, texts) => {
    for (const field of Object.keys(texts)) {
      observations.unreadable.publish({ source: source.name, field });
      const key = `${name}:${field}`;
      if (warned.has(key)) continue;
      warned.add(key);
      log.warn(
        { source: name, field, requestId: facts.deliveryId, code: 'TIMESTAMP_UNREADABLE' },
        `source ${name}: the ${field} of an event cannot be read and counts as missing; the event has its text in receipt.unreadable. Send ISO 8601. Further ones are only counted.`,
      );
    }
  };
}
