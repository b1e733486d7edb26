/** One event of a `text/event-stream`. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** About twice the size of a complete recorded delivery of the largest size. */
const LARGEST = 64 * 1024 * 1024;

/**
 * Yields the events of a stream, as far as a receiver uses the format: `event` and `data` lines; comments are
 * keep-alives. An event that is incomplete at the end is dropped. Throws if an event is larger than 64 MB.
 */
export async function* serverEvents(stream: AsyncIterable<Buffer>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of stream) {
    // The line break before the chunk may be the first of the two that end an event.
    let searched = Math.max(0, pending.length - 1);
    pending += decoder.decode(chunk, { stream: true });
    for (;;) {
      const end = pending.indexOf('\n\n', searched);
      if (end === -1) break;
      const event = parse(pending.slice(0, end));
      pending = pending.slice(end + 2);
      searched = 0;
      if (event !== undefined) yield event;
    }
    if (pending.length > LARGEST) throw new Error('the receiver sent an event over 64 MB');
  }
}

function parse(block: string): ServerEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (line.startsWith('event:')) event = value;
    if (line.startsWith('data:')) data.push(value);
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}
