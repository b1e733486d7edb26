import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createStdoutSink, type Terminal } from '../../../src/sinks/stdout/sink.js';
import { type Bench, sinkContract } from '../contract.js';
import { oddEvents, sinkEvent } from '../events.js';

const never = (): AbortSignal => new AbortController().signal;

interface FakeTerminal {
  readonly stream: Terminal;
  text(): string;
  mode: 'works' | 'stalls' | 'fails';
  /** Lets go of what a stalled terminal holds back. */
  release(): void;
}

function fakeTerminal(isTTY = false): FakeTerminal {
  let text = '';
  let held: (() => void)[] = [];
  const terminal: FakeTerminal = {
    mode: 'works',
    text: () => text,
    release: () => {
      for (const release of held) release();
      held = [];
    },
    stream: Object.assign(
      new Writable({
        autoDestroy: false,
        decodeStrings: false,
        write(chunk, _encoding, done) {
          if (terminal.mode === 'fails') {
            return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
          }
          if (terminal.mode === 'stalls') return held.push(() => done());
          text += chunk;
          done();
        },
      }),
      { isTTY },
    ),
  };
  return terminal;
}

sinkContract('stdout', async (): Promise<Bench> => {
  // A stream that failed once stays failed, so each repair is a new stream behind the same face.
  let terminal = fakeTerminal();
  const texts = [terminal];
  const face: Terminal = Object.assign(
    new Writable({
      autoDestroy: false,
      decodeStrings: false,
      write: (chunk, encoding, done) => terminal.stream.write(chunk, encoding, () => done()),
    }),
    {
      write: (chunk: string, done: (error?: Error | null) => void) =>
        terminal.stream.write(chunk, done),
    },
  ) as Terminal;
  const set = (mode: FakeTerminal['mode']): void => {
    terminal.release();
    terminal = fakeTerminal();
    terminal.stream.on('error', () => {});
    terminal.mode = mode;
    texts.push(terminal);
  };
  const closed = fakeTerminal().stream;
  closed.destroy();
  return {
    sink: createStdoutSink('json', face),
    broken: createStdoutSink('json', closed),
    received: async () =>
      texts
        .map((each) => each.text())
        .join('')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    stall: () => set('stalls'),
    fail: () => set('fails'),
    mend: () => set('works'),
    secrets: [],
    dispose: async () => {},
  };
});

// Everything below the space, DEL, C1, line separators and bidirectional controls, but the line feed that ends a line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

async function lines(format: 'pretty' | 'json', events = oddEvents(), isTTY = false) {
  const terminal = fakeTerminal(isTTY);
  const sink = createStdoutSink(format, terminal.stream);
  await sink.open();
  await sink.deliver(events, never());
  await sink.close();
  return terminal.text().split('\n').slice(0, -1);
}

describe('stdout', () => {
  it.each(['pretty', 'json'] as const)(
    'lets no control character through as %s, and writes one line an event',
    async (format) => {
      const hostile = '\u001b]0;owned\u0007\u009b2J\u202e\r\n\u007f\u2028';
      const events = [
        ...oddEvents(),
        sinkEvent(hostile, {
          type: hostile,
          event: hostile,
          userId: hostile,
          receipt: { ...sinkEvent('a').event.receipt, source: hostile, receivedAt: hostile },
        }),
      ];
      const written = await lines(format, events);
      expect(written).toHaveLength(events.length);
      expect(written.join('\n')).not.toMatch(STEERING);
    },
  );

  it('shows time, type, name, user, source and messageId', async () => {
    expect(await lines('pretty', [sinkEvent('m-1')])).toEqual([
      '2026-01-02T03:04:06.789Z  track     Order Completed  user u-1  segment m-1',
    ]);
  });

  it('marks an event that nothing authenticates', async () => {
    const receipt = { ...sinkEvent('a').event.receipt, authenticated: false };
    const [line] = await lines('pretty', [sinkEvent('m-1', { receipt })]);
    expect(line).toMatch(/segment m-1 {2}\[not authenticated\]$/);
  });

  it('shows the anonymous user and the name of a page where there is no other', async () => {
    const event = sinkEvent('m-1', { type: 'page', name: 'Home', anonymousId: 'a-1' });
    delete event.event['event'];
    delete event.event['userId'];
    expect(await lines('pretty', [event])).toEqual([
      '2026-01-02T03:04:06.789Z  page      Home  anonymous a-1  segment m-1',
    ]);
  });

  it('cuts long texts', async () => {
    const [line] = await lines('pretty', [sinkEvent('m-1', { event: 'x'.repeat(1_000_000) })]);
    expect(line?.length).toBeLessThan(200);
    expect(line).toContain('xx…');
  });

  it('uses no colours where the stream is no terminal', async () => {
    expect((await lines('pretty', [sinkEvent('a')])).join()).not.toContain('\u001b');
  });

  it('waits until the stream has taken the lines', async () => {
    const terminal = fakeTerminal();
    terminal.mode = 'stalls';
    const sink = createStdoutSink('json', terminal.stream);
    await sink.open();
    let done = false;
    const delivery = sink.deliver([sinkEvent('a')], never()).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    terminal.release();
    await delivery;
  });

  it('survives a closed pipe and asks for a retry', async () => {
    const terminal = fakeTerminal();
    terminal.mode = 'fails';
    const sink = createStdoutSink('pretty', terminal.stream);
    await sink.open();
    await expect(sink.deliver([sinkEvent('a')], never())).rejects.toMatchObject({
      retryable: true,
      message: 'the standard output cannot be written: write EPIPE',
    });
    await new Promise((resolve) => setImmediate(resolve));
  });
});
