import type { Link } from '../../core/link/link.js';
import { openMessages } from '../../core/link/messages.js';
import type { DeliveryWatch } from '../../ingest/authentication-watch.js';
import { AUTHENTICATION, type AuthenticationNote } from './protocol.js';

/**
 * Returns the authentication watches of a worker. They only report to the primary, whose watches see the deliveries of
 * all workers: whether a secret has become suspect depends on all deliveries of a source.
 */
export function reportAuthentication(link: Link): (source: string) => DeliveryWatch {
  let waiting: [source: string, what: keyof DeliveryWatch, times: number][] = [];
  const ready = link.add({
    name: AUTHENTICATION,
    take() {
      const taken = waiting;
      waiting = [];
      return taken.length === 0 ? undefined : taken;
    },
    receive: () => undefined,
  });
  const note = (source: string, what: keyof DeliveryWatch): void => {
    if (link.isLost) return;
    const last = waiting.at(-1);
    if (last?.[0] === source && last[1] === what) last[2] += 1;
    else waiting.push([source, what, 1]);
    ready();
  };
  return (source) => ({
    passed: () => note(source, 'passed'),
    failed: () => note(source, 'failed'),
    full: () => note(source, 'full'),
  });
}

/** Passes what a worker reports to the watches of this process. */
export function receiveAuthentication(
  link: Link,
  watchOf: (source: string) => DeliveryWatch | undefined,
): void {
  openMessages<AuthenticationNote, never>(link, {
    name: AUTHENTICATION,
    onMessage([source, what, times]) {
      const watch = watchOf(source);
      if (watch === undefined) return;
      for (let time = 0; time < times; time++) watch[what]();
    },
  });
}
