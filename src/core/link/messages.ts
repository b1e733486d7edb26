import type { Link } from './link.js';

/** The maximum number of messages in a frame, so that none takes long to read. */
const MOST_AT_ONCE = 5_000;

export interface MessagesOptions<In> {
  readonly name: string;
  readonly onMessage: (message: In) => void;
  /** The maximum number of messages that wait to be sent. Further ones are dropped. Default: no limit. */
  readonly most?: number;
  readonly onLost?: () => void;
}

/** Adds a topic whose messages are sent one after the other. Returns the function that sends one. */
export function openMessages<In, Out>(
  link: Link,
  { most = Number.POSITIVE_INFINITY, name, onLost, onMessage }: MessagesOptions<In>,
): (message: Out) => void {
  let waiting: Out[] = [];
  const ready = link.add({
    name,
    take() {
      if (waiting.length === 0) return undefined;
      const taken = waiting.slice(0, MOST_AT_ONCE);
      waiting = waiting.slice(MOST_AT_ONCE);
      if (waiting.length > 0) ready();
      return taken;
    },
    receive(batch) {
      for (const message of batch as readonly In[]) onMessage(message);
    },
    lost() {
      waiting = [];
      onLost?.();
    },
  });
  return (message) => {
    if (link.isLost || waiting.length >= most) return;
    waiting.push(message);
    ready();
  };
}
