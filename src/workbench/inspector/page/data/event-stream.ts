/** One event of a `text/event-stream`. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** The most characters of one event. */
const LONGEST = 16_000_000;

/**
 * Parses a `text/event-stream` incrementally: each call takes the next characters and returns the events they complete.
 * Ignores comments and IDs. Throws a RangeError if an event is too long.
 */
export function createStreamReader(): (characters: string) => StreamEvent[] {
  let rest = '';
  let name = '';
  let data: string[] = [];
  return (characters) => {
    const events: StreamEvent[] = [];
    const lines = (rest + characters).split(/\r?\n/);
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST) throw new RangeError('an event of the live stream has no end');
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) events.push({ name: name || 'message', data: data.join('\n') });
        name = '';
        data = [];
        continue;
      }
      const [field, value] = fieldOf(line);
      if (field === 'event') name = value;
      else if (field === 'data') data.push(value);
    }
    return events;
  };
}

function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
}
