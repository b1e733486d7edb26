import { describe, expect, it } from 'vitest';
import { type ServerEvent, serverEvents } from '../../src/commands/server-events.js';

async function read(chunks: readonly Buffer[]): Promise<ServerEvent[]> {
  async function* stream() {
    yield* chunks;
  }
  const events: ServerEvent[] = [];
  for await (const event of serverEvents(stream())) events.push(event);
  return events;
}

describe('the events of a stream', () => {
  const text =
    ': alive\n\nevent: hello\ndata: {"é": 1}\n\ndata:a\ndata: b\n\n: alive\n\nevent: cut';

  it('are the same however the bytes are cut', async () => {
    const bytes = Buffer.from(text);
    const expected = [
      { event: 'hello', data: '{"é": 1}' },
      { event: 'message', data: 'a\nb' },
    ];
    expect(await read([bytes])).toEqual(expected);
    expect(await read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(expected);
    for (let at = 1; at < bytes.length; at++) {
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    }
  });

  it('are not gathered without end', async () => {
    const megabyte = Buffer.alloc(8 * 1024 * 1024, 'x');
    await expect(read(Array.from({ length: 9 }, () => megabyte))).rejects.toThrow('64 MB');
  });
});
